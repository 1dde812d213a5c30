import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from aim_keras.architecture import Architecture
from aim_keras.export import export_saved_model
from aim_keras.fields import Field
from aim_keras.models import FM, IPNN, DeepFM
from tests import forked

SIZES = {"user_id": 9, "app-1": 7, "7.hour": 5}
FIELDS = tuple(SIZES)
IDS = np.stack([np.random.default_rng(0).integers(0, n, 33) for n in SIZES.values()], 1)
ARCHITECTURE = Architecture(
    FIELDS,
    ("inner", "outer"),
    4,
    {"inner": [FIELDS[:2], FIELDS], "outer": [FIELDS[1:]]},
    {2: {"inner": {"user_id": (0, 3), "app-1": (3,), "7.hour": ()}}},
)
MODELS = {
    "fm": lambda: FM(SIZES, embedding_dim=4),
    "ipnn": lambda: IPNN(SIZES, hidden_units=(8,), mlp_norm="batch", dropout=0.5),
    "searched": lambda: DeepFM(SIZES, None, "interactions", (8,), functions=("inner", "outer")),
    "aim": lambda: DeepFM(SIZES, ARCHITECTURE, hidden_units=(8,), mlp_inputs=("products",)),
    "empty": lambda: FM(SIZES, Architecture(FIELDS, ("inner",), 4, {})),
}


def randomized(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1, w.shape) - 0.3 * w.trainable for w in model.weights])
    return model


def probabilities(model, ids=IDS):
    return tf.sigmoid(model.predict(ids, verbose=0)).numpy()


def named(ids):
    return {field: tf.constant(ids[:, i], "int32") for i, field in enumerate(FIELDS)}


def signature(path):
    """Inputs and outputs `{name: (shape, dtype)}`, as TF Serving reads them."""
    content = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (graph,) = content.meta_graphs
    assert list(graph.meta_info_def.tags) == ["serve"]
    serving = graph.signature_def["serving_default"]
    return tuple(
        {
            name: ([dim.size for dim in info.tensor_shape.dim], tf.as_dtype(info.dtype))
            for name, info in infos.items()
        }
        for infos in (serving.inputs, serving.outputs)
    )


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_signature_and_parity(make, tmp_path):
    model = randomized(make())
    path = export_saved_model(model, FIELDS, tmp_path / "saved_model" / "1", IDS)
    assert path == tmp_path / "saved_model" / "1"
    assert signature(path) == (
        {field: ([-1], tf.int32) for field in FIELDS},
        {"ctr": ([-1, 1], tf.float32)},
    )
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    for rows in (IDS, IDS[:1], np.concatenate([IDS, IDS])):
        outputs = serve(**named(rows))
        assert list(outputs) == ["ctr"]
        ctr = outputs["ctr"].numpy()
        assert ctr.shape == (len(rows), 1)
        assert ctr.dtype == "float32"
        assert ctr.min() >= 0
        assert ctr.max() <= 1
        np.testing.assert_allclose(ctr, probabilities(model, rows), rtol=0, atol=1e-6)


def test_shifted_logits(tmp_path):
    model = randomized(next(iter(MODELS.values()))())
    path = export_saved_model(model, FIELDS, tmp_path / "1", IDS, logit_shift=np.log(0.1))
    ctr = tf.saved_model.load(str(path)).signatures["serving_default"](**named(IDS))["ctr"]
    p = probabilities(model, IDS)
    np.testing.assert_allclose(ctr, p / (p + (1 - p) / 0.1), rtol=0, atol=1e-6)


def test_serves_unknown_ids(tmp_path):
    model = randomized(FM(SIZES))
    export_saved_model(model, FIELDS, tmp_path / "1", IDS)
    serve = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    ctr = serve(**named(np.array([[-1, 10**6, 5]])))["ctr"]
    np.testing.assert_allclose(ctr, probabilities(model, np.zeros((1, 3), "int32")), atol=1e-6)


KINDS = {
    "user": 9,
    "genres": Field(6, 3, combiner="mean"),
    "history": Field(5, 4, True, "sqrtn"),
    "age": Field(1, weighted=True),
    "city": Field(7, weighted=True),
}
KIND_INPUTS = {
    "user": ([-1], tf.int32),
    "genres": ([-1, -1], tf.int32),
    "history": ([-1, -1], tf.int32),
    "history_weights": ([-1, -1], tf.float32),
    "age": ([-1], tf.float32),
    "city": ([-1], tf.int32),
    "city_weights": ([-1], tf.float32),
}
REQUEST = {  # shorter, equal, and longer lists than the model's; an empty and a padded one
    "user": [1, 8],
    "genres": [[5], [-1]],
    "history": [[1, 2, -1, 4, 3, 3], [3, -1, -1, -1, 4, 4]],
    "history_weights": [[0.5, 1.0, 9.0, 2.0, 7.0, 7.0], [1.5, 0.0, 0.0, 0.0, 8.0, 8.0]],
    "age": [-0.5, 2.0],
    "city": [6, 0],
    "city_weights": [1.5, 0.5],
}
TAKEN = (
    np.array([[1, 5, -1, -1, 1, 2, -1, 4, 0, 6], [8, -1, -1, -1, 3, -1, -1, -1, 0, 0]]),
    np.array([[0.5, 1, 0, 2, -0.5, 1.5], [1.5, 0, 0, 0, 2, 0.5]], "float32"),
)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A model of fields of every kind, and where it is exported."""
    model = randomized(DeepFM(KINDS, hidden_units=(8,), embedding_dim=4))
    path = tmp_path_factory.mktemp("kinds") / "1"
    return model, export_saved_model(model, KINDS, path, TAKEN)


def test_fields_of_every_kind(kinds):
    model, path = kinds
    assert signature(path) == (KIND_INPUTS, {"ctr": ([-1, 1], tf.float32)})
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    inputs = {name: tf.constant(v, KIND_INPUTS[name][1]) for name, v in REQUEST.items()}
    np.testing.assert_allclose(serve(**inputs)["ctr"], probabilities(model, TAKEN), atol=1e-6)
    empty = {**inputs, "genres": tf.zeros((2, 0), tf.int32)}
    without = (np.where(np.isin(np.arange(10), (1, 2, 3)), -1, TAKEN[0]), TAKEN[1])
    np.testing.assert_allclose(serve(**empty)["ctr"], probabilities(model, without), atol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have the shape of history"):
        serve(**{**inputs, "history_weights": inputs["history_weights"][:, :2]})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_or_a_weight_that_is_not_finite_counts_as_zero(kinds, value):
    model, path = kinds
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    request = {**REQUEST, "age": [value, 2.0], "city_weights": [1.5, value]}
    inputs = {name: tf.constant(v, KIND_INPUTS[name][1]) for name, v in request.items()}
    weights = TAKEN[1].copy()
    weights[0, 4] = weights[1, 5] = 0
    np.testing.assert_allclose(
        serve(**inputs)["ctr"], probabilities(model, (TAKEN[0], weights)), atol=1e-6
    )


LOADER = """
import json, sys
import tensorflow as tf
results = []
for path, inputs in json.loads(sys.argv[1]):
    serve = tf.saved_model.load(path).signatures["serving_default"]
    ctr = serve(**{name: tf.constant(*of_input) for name, of_input in inputs.items()})["ctr"]
    results.append(ctr.numpy().tolist())
assert not [name for name in sys.modules if name.split(".")[0] in ("aim_keras", "experiments")]
print(json.dumps(results))
"""


def test_loads_where_aim_keras_was_never_imported(tmp_path, kinds):
    model, (model_of_kinds, path_of_kinds) = randomized(MODELS["aim"]()), kinds
    path = export_saved_model(model, FIELDS, tmp_path / "1", IDS)
    ids = {field: (IDS[:, i].tolist(), "int32") for i, field in enumerate(FIELDS)}
    request = {name: (values, KIND_INPUTS[name][1].name) for name, values in REQUEST.items()}
    asked = json.dumps([(str(path), ids), (str(path_of_kinds), request)])
    ctr, ctr_of_kinds = json.loads(forked.output_of_python("-c", LOADER, asked, cwd=tmp_path))
    np.testing.assert_allclose(ctr, probabilities(model), rtol=0, atol=1e-6)
    expected = probabilities(model_of_kinds, TAKEN)
    np.testing.assert_allclose(ctr_of_kinds, expected, rtol=0, atol=1e-6)


def test_weights_are_stored_once(tmp_path):
    model = FM({"a": 50_000, "b": 50_000}, embedding_dim=8)
    ids = np.zeros((2, 2), "int32")
    export_saved_model(model, ("a", "b"), tmp_path / "1", ids)
    on_disk = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(tmp_path)
        for name in names
    )
    weights = 4 * model.count_params()
    assert weights <= on_disk < 1.1 * weights


def test_trained_model_leaves_its_optimizer_out(tmp_path):
    model = FM(SIZES, embedding_dim=4)
    model.compile(keras.optimizers.Adam(), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(IDS, np.zeros((33, 1)), verbose=0)
    export_saved_model(model, FIELDS, tmp_path / "1", IDS)
    saved = tf.train.list_variables(str(tmp_path / "1" / "variables" / "variables"))
    floats = sum(int(np.prod(shape)) for name, shape in saved if shape)
    assert floats == model.count_params()


def tree(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_replaces_an_older_export(tmp_path):
    export_saved_model(randomized(FM(SIZES)), FIELDS, tmp_path / "1", IDS)
    old = tree(tmp_path)
    export_saved_model(FM(SIZES), FIELDS, tmp_path / "1", IDS)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert tree(tmp_path) != old


@pytest.mark.parametrize("difference", [1e-3, float("nan")])
def test_without_parity_the_old_export_stays(difference, tmp_path, monkeypatch):
    model = randomized(FM(SIZES))
    export_saved_model(model, FIELDS, tmp_path / "1", IDS)
    old = tree(tmp_path)
    predict = model.predict
    monkeypatch.setattr(model, "predict", lambda *a, **k: predict(*a, **k) + difference)
    with pytest.raises(ValueError, match=r"probabilities to 1e-06. Received: a difference of"):
        export_saved_model(model, FIELDS, tmp_path / "1", IDS)
    assert tree(tmp_path) == old
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("user", "app", "local time"), "letters, digits.*Received: 'local time'"),
        (("user", "app", "größe"), "letters, digits.*Received: 'größe'"),
        (("user", "app", ""), "letters, digits.*Received: ''"),
        (("user", "app", "_hidden"), "letters, digits.*Received: '_hidden'"),
        (("user", "app", "self"), "neither 'self' nor a keyword.*Received: 'self'"),
        (("user", "app", "class"), "neither 'self' nor a keyword.*Received: 'class'"),
        (("user", "app", "app"), "must be distinct .*'app', 'app'"),
        (("user", "app", "App"), "must be distinct .*'app', 'App'"),
        (("user", "app.id", "app_id"), "must be distinct .*'app.id', 'app_id'"),
        ({"x": Field(9, 2, True), "x_weights": 7, "z": 5}, "must be distinct .*'x', 'x_weights'"),
        ({"x": 9, "y": Field(7, 3), "z": 5}, r"must have 5 columns .*Received: shape \(33, 3\)"),
        ({"x": 9, "y": 0, "z": 5}, r"vocabulary_sizes\['y'\]: size must be"),
        (("user", "app"), r"must have 2 columns for the 2 fields. Received: shape \(33, 3\)"),
    ],
)
def test_field_errors(fields, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_saved_model(FM(SIZES), fields, tmp_path / "1", IDS)
    assert not list(tmp_path.iterdir())
