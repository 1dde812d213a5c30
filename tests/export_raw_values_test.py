"""What a SavedModel makes of raw values, where only TensorFlow is loaded."""

import json

import numpy as np
import pytest
import tensorflow as tf

from aim_keras import warm_up
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.graph_encoding import GRAPHS
from aim_keras.datasets.number_encodings import MISSING, Dense, Numerical
from aim_keras.export import export_saved_model
from aim_keras.models import FM, DeepFM
from tests import forked
from tests.datasets.graph_encoding_test import example

ENCODING = Encoding(
    {
        "user-id": Categorical(("u1", "", "ü", "a\r", "\n")),
        "genres": MultiCategorical(("War", "Crime"), max_length=3),
        "7.hour": Numerical((6, 12, 18)),
        "price": Dense(10.0, 4.0),
        "weekday": Categorical(("mon", "sun")),
    }
)
RAW = {  # as raw files have it; every id occurs
    "user-id": ["u1", "", "ü", "other", "a\r", "\n"],
    "genres": ["War|Crime", "", "Crime|other|War", "War", "other", "|War|"],
    "7.hour": ["6", "12", "", "18", "23", "0"],
    "price": ["10", "", "-3.5", "1e3", "0", "12"],
    "weekday": ["mon", "sun", "never", "mon", "", "sun"],
}
REQUEST = {  # the same, as a client has it
    "user-id": RAW["user-id"],
    "genres": [
        ["War", "Crime", "", ""],
        ["", "", "", ""],
        ["Crime", "other", "War", ""],
        ["War", "", "", ""],
        ["", "", "other", ""],
        ["|War|", "", "", ""],
    ],
    "7.hour": [6, 12, MISSING, 18, 23, 0],
    "price": [10.0, float("nan"), -3.5, 1e3, 0.0, 12.0],
    "weekday": RAW["weekday"],
}
EXAMPLES = [  # the same again: what is missing is left out
    {"user-id": ["u1"], "genres": ["War", "Crime"], "7.hour": [6], "price": [10.0]}
    | {"weekday": ["mon"]},
    {"7.hour": [12], "weekday": ["sun"]},
    {"user-id": ["ü"], "genres": ["Crime", "other", "War"], "price": [-3.5], "weekday": ["never"]},
    {"user-id": ["other"], "genres": ["War"], "7.hour": [18], "price": [1e3], "weekday": ["mon"]},
    {"user-id": ["a\r"], "genres": ["other"], "7.hour": [23], "price": [0.0]},
    {"user-id": ["\n"], "genres": ["|War|"], "7.hour": [0], "price": [12.0], "weekday": ["sun"]},
]
DTYPES = {
    "user-id": tf.string,
    "genres": tf.string,
    "7.hour": tf.int64,
    "price": tf.float64,
    "weekday": tf.string,
}


def features(raw=RAW):
    return ENCODING.encode(raw), ENCODING.weights(raw)


def probabilities(model, raw=RAW):
    return tf.sigmoid(model.predict(features(raw), verbose=0)).numpy()


def tensors(request=REQUEST):
    return {name: tf.constant(values, DTYPES[name]) for name, values in request.items()}


def randomized(seed):
    model = DeepFM(ENCODING.model_fields, hidden_units=(8,), embedding_dim=4)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(-0.3, 0.7, w.shape) for w in model.weights])
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = randomized(1)
    path = tmp_path_factory.mktemp("raw") / "1"
    return model, export_saved_model(model, ENCODING, path, features())


LOADER = """
import json, sys
import tensorflow as tf
path, dtypes, request, examples = json.loads(sys.argv[1])
signatures = tf.saved_model.load(path).signatures
raw = {name: tf.constant(values, dtypes[name]) for name, values in request.items()}
examples = tf.constant([bytes.fromhex(text) for text in examples])
outputs = signatures["serving_default"](**raw), signatures["tf_example"](inputs=examples)
ctr = [output["ctr"].numpy().tolist() for output in outputs]
ours = [name for name in sys.modules if name.split(".")[0] in ("aim_keras", "pyarrow")]
print(json.dumps([ctr, ours]))
"""


def test_raw_values_where_only_tensorflow_is_loaded(exported, tmp_path):
    model, path = exported
    dtypes = {name: dtype.name for name, dtype in DTYPES.items()}
    arguments = [str(path), dtypes, REQUEST, [example(**row).hex() for row in EXAMPLES]]
    output = forked.output_of_python("-c", LOADER, json.dumps(arguments), cwd=tmp_path)
    ctr, ours = json.loads(output)
    assert not ours
    for of_signature in ctr:
        np.testing.assert_allclose(of_signature, probabilities(model), rtol=0, atol=1e-6)


def test_command_line_shows_every_field_by_name(exported):
    _, path = exported
    command = "-m", "tensorflow.python.tools.saved_model_cli", "show", "--dir", path, "--all"
    *_, shown = forked.output_of_python(*command).split("MetaGraphDef with tag-set")
    of = dict(part.split("']", 1) for part in shown.split("signature_def['")[1:])
    assert set(of) - {"__saved_model_init_op"} == {
        *("serving_default", "ids", "tf_example", "regress", "classify")
    }
    for name, dtype in DTYPES.items():
        enum = f"DT_{'DOUBLE' if dtype == tf.float64 else dtype.name.upper()}"
        assert f"inputs['{name}'] tensor_info:\n        dtype: {enum}" in of["serving_default"]
        assert f"inputs['{name}'] tensor_info" in of["ids"]
    for signature in ("serving_default", "ids", "tf_example"):
        assert "outputs['ctr'] tensor_info" in of[signature]
    assert "inputs['inputs'] tensor_info" in of["tf_example"]


def test_examples_for_regress(exported):
    model, path = exported
    regress = tf.saved_model.load(path).signatures["regress"]
    outputs = regress(inputs=tf.constant([example(weekday=["sun"]), example()]))
    raw = {**{name: ["", ""] for name in RAW}, "weekday": ["sun", ""]}
    assert list(outputs) == ["outputs"]
    np.testing.assert_allclose(outputs["outputs"], probabilities(model, raw), atol=1e-6)


def test_examples_for_classify(exported):
    model, path = exported
    classify = tf.saved_model.load(path).signatures["classify"]
    outputs = classify(inputs=tf.constant([example(weekday=["sun"]), example()]))
    click = probabilities(model, {**{name: ["", ""] for name in RAW}, "weekday": ["sun", ""]})
    assert outputs["classes"].numpy().tolist() == [[b"0", b"1"]] * 2
    np.testing.assert_allclose(outputs["scores"], np.hstack([1 - click, click]), atol=1e-6)


def in_session(path, request):
    """A request as TF Serving, or another client of the C++ runtime, runs it."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        signature = loaded.signature_def["serving_default"]
        feed = {signature.inputs[name].name: values for name, values in request.items()}
        return session.run(signature.outputs["ctr"].name, feed), signature.defaults


@pytest.mark.parametrize("name", [None, *RAW])
def test_inputs_that_are_not_sent_are_missing(name, exported):
    model, path = exported
    sent = {} if name is None else {name: REQUEST[name]}
    ctr, defaults = in_session(path, sent)
    assert set(defaults) == set(RAW)
    rows = 1 if name is None else 6
    raw = {key: RAW[key] if key in sent else [""] * rows for key in RAW}
    np.testing.assert_allclose(ctr, probabilities(model, raw), rtol=0, atol=1e-6)


def test_two_loaded_versions_keep_their_vocabularies(exported, tmp_path):
    model, path = exported
    other = Encoding({"user-id": Categorical(("other", "u1")), "weekday": Categorical(())})
    raw = {name: RAW[name] for name in other.fields}
    another = FM(other.model_fields)
    another.set_weights([np.random.default_rng(5).normal(size=w.shape) for w in another.weights])
    export_saved_model(another, other, tmp_path / "2", other.encode(raw))
    serves = [
        tf.saved_model.load(str(folder)).signatures["serving_default"]
        for folder in (path, tmp_path / "2")
    ]
    np.testing.assert_allclose(serves[0](**tensors())["ctr"], probabilities(model), atol=1e-6)
    expected = tf.sigmoid(another.predict(other.encode(raw), verbose=0))
    ctr = serves[1](**tensors({name: REQUEST[name] for name in raw}))["ctr"]
    np.testing.assert_allclose(ctr, expected, atol=1e-6)


def test_vocabularies_are_stored_once_and_not_in_the_graph(tmp_path):
    sizes = {}
    for count in (10, 20_000):
        encoding = Encoding({name: Categorical(_values(name, count)) for name in ("f", "g")})
        path = tmp_path / str(count)
        export_saved_model(FM(encoding.model_fields), encoding, path, np.ones((1, 2), "int32"))
        files = {p.name: p.stat().st_size for p in path.rglob("*") if p.is_file()}
        sizes[count] = files.pop("saved_model.pb"), sum(files.values())
    assert sizes[20_000][0] < 1.02 * sizes[10][0]
    text, id_and_weights = 2 * 20_000 * 20, 2 * 20_000 * (4 + 4 * 11)
    assert text + id_and_weights < sizes[20_000][1] < 1.1 * (text + id_and_weights)


def _values(name, count):
    return tuple(f"{name}-value-{i:012d}"[:20] for i in range(count))


def test_parity_of_raw_values_is_checked(tmp_path, monkeypatch):
    age = Numerical((MISSING, 20), has_missing=True)
    encoding = Encoding({"age": age, "weekday": Categorical(("mon",))})
    model = FM(encoding.model_fields)
    model.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in model.weights])
    features = np.array([[1, 1], [2, 0]], "int32")
    monkeypatch.setattr(GRAPHS[Numerical], "decode", lambda self, ids: np.full(len(ids), MISSING))
    with pytest.raises(ValueError, match=r"a difference of .* by its signature serving_default"):
        export_saved_model(model, encoding, tmp_path / "1", features)
    assert not list(tmp_path.iterdir())


def test_warm_up_requests_are_requests(exported):
    model, path = exported
    signatures = tf.saved_model.load(path).signatures
    asked = []
    for signature, inputs in warm_up.read(path):
        inputs = {name: tf.constant(array) for name, array in inputs.items()}
        ctr = signatures[signature](**inputs)["ctr"]
        np.testing.assert_allclose(ctr, probabilities(model)[: len(ctr)], atol=1e-6)
        asked.append((signature, len(ctr)))
    signatures = "ids", "serving_default", "tf_example"
    assert asked == [(signature, rows) for signature in signatures for rows in (1, 6)]


def test_without_tensorflow_serving_api_there_is_no_warm_up(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(warm_up, "PredictionLog", None)
    export_saved_model(randomized(2), ENCODING, tmp_path / "1", features())
    assert not (tmp_path / "1" / "assets.extra").exists()
    assert 'needs tensorflow-serving-api: pip install "aim_keras[serving]"' in caplog.text
    with pytest.raises(ImportError, match="needs tensorflow-serving-api"):
        warm_up.read(tmp_path / "1")


def test_the_last_items_of_lists(tmp_path):
    seen = MultiCategorical(("a", "b", "c"), max_length=2, keep="last")
    encoding = Encoding({"seen": seen, "user": Categorical(("u",))})
    model = FM(encoding.model_fields, embedding_dim=4)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    ids = encoding.encode({"seen": ["a|b|c", "a", ""], "user": ["u"] * 3})
    path = export_saved_model(model, encoding, tmp_path / "1", ids)
    expected = tf.sigmoid(model.predict(ids, verbose=0))
    signatures = tf.saved_model.load(str(path)).signatures
    raw = tf.constant([["a|b", "c", ""], ["", "a", ""], ["", "", ""]])
    encoded = tf.constant([[1, 2, 3, -1], [1, -1, -1, -1], [-1, -1, -1, -1]])
    for name, seen, user in (("serving_default", raw, ["u"] * 3), ("ids", encoded, [1, 1, 1])):
        ctr = signatures[name](seen=seen, user=tf.constant(user))["ctr"]
        np.testing.assert_allclose(ctr, expected, atol=1e-6)
