"""What a served model does with requests unlike those that it was exported for."""

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.number_encodings import MISSING, Dense, Numerical
from aim_keras.export import export_saved_model
from aim_keras.models import DeepFM
from tests.datasets.graph_encoding_test import example

ENCODING = Encoding(
    {
        "user": Categorical(("u1", "u2")),
        "tags": MultiCategorical(("War", "Crime"), max_length=3),
        "hour": Numerical((6, 12, 18)),
        "bid": Numerical((0.5, 1.5), decimals=True),
        "price": Dense(10.0, 4.0),
    }
)
ROW = {"user": "u1", "tags": ["War", "Crime"], "hour": 7, "bid": 0.75, "price": 12.0}
MISSING_ROW = {"user": "", "tags": ["", ""], "hour": MISSING, "bid": np.nan, "price": np.nan}
DTYPES = {
    "user": tf.string,
    "tags": tf.string,
    "hour": tf.int64,
    "bid": tf.float64,
    "price": tf.float64,
}


@pytest.fixture(scope="module")
def signatures(tmp_path_factory):
    model = DeepFM(ENCODING.model_fields, hidden_units=(8,), embedding_dim=4)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(-0.5, 0.5, weight.shape) for weight in model.weights])
    raw = {"user": ["u1", "x"], "tags": ["War", ""], "hour": ["7", "9"]}
    raw |= {"bid": ["1", ""], "price": ["12", ""]}
    features = ENCODING.encode(raw), ENCODING.weights(raw)
    path = export_saved_model(model, ENCODING, tmp_path_factory.mktemp("drift") / "1", features)
    return tf.saved_model.load(str(path)).signatures


def request(count=1, **changed):
    """The row, that many times, with changes in all of them."""
    row = ROW | changed
    shapes = {name: (count, 2) if name == "tags" else (count,) for name in row}
    return {
        name: tf.broadcast_to(tf.constant(value, DTYPES[name]), shapes[name])
        for name, value in row.items()
    }


def ctr(signatures, inputs):
    return signatures["serving_default"](**inputs)["ctr"].numpy()


@pytest.mark.parametrize(
    ("changed", "as_if"),
    [
        ({"user": "never seen"}, {"user": "neither"}),
        ({"user": "\x00\xff" * 5000}, {"user": "neither"}),
        ({"tags": ["never seen", "War"]}, {"tags": ["neither", "War"]}),
        *[({"price": value}, {"price": np.nan}) for value in (np.inf, -np.inf, 1e308)],
        *[({"bid": value}, {"bid": np.nan}) for value in (np.inf, -np.inf, 1e308)],
        ({"hour": 2**63 - 1}, {"hour": 19}),
    ],
)
def test_values_that_training_never_saw(changed, as_if, signatures):
    given, equal = request(**changed), request(**as_if)
    np.testing.assert_array_equal(ctr(signatures, given), ctr(signatures, equal))
    assert not np.array_equal(ctr(signatures, given), ctr(signatures, request()))


@pytest.mark.parametrize("count", [0, 1, 100_000])
def test_any_number_of_rows(count, signatures):
    served = ctr(signatures, request(count))
    assert served.shape == (count, 1)
    np.testing.assert_allclose(served, np.repeat(ctr(signatures, request()), count, 0), atol=1e-6)


def test_no_candidates_of_one_user(signatures):
    assert ctr(signatures, request(0) | {"user": request()["user"]}).shape == (0, 1)


def test_no_examples(signatures):
    assert signatures["tf_example"](inputs=tf.constant([], tf.string))["ctr"].shape == (0, 1)


def test_inputs_of_unequal_numbers_of_rows_are_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        ctr(signatures, request(3) | {"user": request(2)["user"]})


def test_an_example_without_fields_or_with_others(signatures):
    examples = [example(), example(unknown=[3])]
    served = signatures["tf_example"](inputs=tf.constant(examples))["ctr"]
    expected = ctr(signatures, request(2, **MISSING_ROW))
    np.testing.assert_allclose(served, expected, atol=1e-6)


@pytest.mark.parametrize("field", [{"user": [3]}, {"tags": [3]}, {"hour": [1.5]}, {"price": [3]}])
def test_an_example_of_another_type_is_refused(field, signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"Key: {next(iter(field))}.*type"):
        signatures["tf_example"](inputs=tf.constant([example(**field)]))


def test_what_is_no_example_is_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse example"):
        signatures["tf_example"](inputs=tf.constant([b"no example"]))


def test_raw_inputs_that_are_unknown_left_out_or_of_another_type_are_refused(signatures):
    with pytest.raises(TypeError, match="unknown"):
        ctr(signatures, request() | {"unknown": tf.constant([1])})
    with pytest.raises(TypeError, match="missing a required argument: 'hour'"):
        ctr(signatures, {k: v for k, v in request().items() if k != "hour"})
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to be a string tensor"):
        ctr(signatures, request() | {"user": tf.constant([1])})


@pytest.mark.parametrize(
    ("changed", "as_if"),
    [
        ({"user": [9]}, {"user": [0]}),
        ({"user": [-1]}, {"user": [0]}),
        ({"tags": [[9, 1]]}, {"tags": [[0, 1]]}),
        *[({"price": [value]}, {"price": [0.0]}) for value in (np.nan, np.inf)],
    ],
)
def test_encoded_values_out_of_range(changed, as_if, signatures):
    encoded = {"user": [1], "tags": [[1, 2]], "hour": [2], "bid": [2], "price": [0.5]}

    def served(changed):
        inputs = encoded | changed
        tensors = {
            name: tf.constant(value, tf.float32 if name == "price" else tf.int32)
            for name, value in inputs.items()
        }
        return signatures["ids"](**tensors)["ctr"].numpy()

    np.testing.assert_array_equal(served(changed), served(as_if))
    assert np.isfinite(served(changed)).all()
