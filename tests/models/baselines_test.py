"""What every model without a search must hold; a new model is a line in `MODELS`."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.export import export_saved_model
from aim_keras.fields import Field
from aim_keras.models import (
    AFM,
    DNN,
    FFM,
    HOFM,
    IPNN,
    LR,
    NFM,
    OPNN,
    PIN,
    AutoEmb,
    AutoFeature,
    AutoGroup,
    AutoInt,
    FiGNN,
    FwFM,
    WideDeep,
    XDeepFM,
)
from aim_keras.pair_operations import PairOperations

PAIRS = PairOperations(
    ("a", "b", "c", "d"),
    {
        "addition": [("a", "b")],
        "product": [("a", "c"), ("b", "d")],
        "concatenation": [("a", "d")],
        "generalized_product": [("b", "c")],
    },
)

# `{name: (class, arguments, name of its embeddings' regularizer)}`
MODELS = {
    "lr": (LR, {}, "regularizer"),
    "fwfm": (FwFM, {}, "embedding_regularizer"),
    "fwfm_feature_vectors": (FwFM, {"linear": "feature_vectors"}, "embedding_regularizer"),
    "fwfm_field_vectors": (FwFM, {"linear": "field_vectors"}, "embedding_regularizer"),
    "afm": (AFM, {"attention_regularizer": "l2"}, "embedding_regularizer"),
    "xdeepfm": (
        XDeepFM,
        {"embedding_dim": 4, "cin_units": (5, 3), "hidden_units": (8,)},
        "embedding_regularizer",
    ),
    "ffm": (FFM, {}, "embedding_regularizer"),
    "hofm": (HOFM, {}, "embedding_regularizer"),
    "hofm_shared": (HOFM, {"order": 4, "shared_embedding": True}, "embedding_regularizer"),
    "dnn": (DNN, {"hidden_units": (16, 16)}, "embedding_regularizer"),
    "wide_deep": (WideDeep, {"hidden_units": (16,)}, "embedding_regularizer"),
    "nfm": (NFM, {"hidden_units": (16,)}, "embedding_regularizer"),
    "nfm_normalized": (
        NFM,
        {"hidden_units": (16,), "normalize_pooled": True},
        "embedding_regularizer",
    ),
    "autoint": (
        AutoInt,
        {"embedding_dim": 4, "attention_layers": 2, "attention_dim": 6, "scale": True},
        "embedding_regularizer",
    ),
    "autoint_plus": (
        AutoInt,
        {
            "embedding_dim": 4,
            "attention_layers": 2,
            "attention_dim": 4,
            "layer_norm": True,
            "linear": True,
            "hidden_units": (8,),
        },
        "embedding_regularizer",
    ),
    "fignn": (FiGNN, {"embedding_dim": 2, "steps": 2}, "embedding_regularizer"),
    "fignn_without_gru": (
        FiGNN,
        {"embedding_dim": 2, "steps": 2, "gru": False},
        "embedding_regularizer",
    ),
    "kpnn": (
        IPNN,
        {"embedding_dim": 4, "functions": ("matrix_kernel",), "hidden_units": (8,)},
        "embedding_regularizer",
    ),
    "opnn": (OPNN, {"embedding_dim": 4, "hidden_units": (8,)}, "embedding_regularizer"),
    "pin": (
        PIN,
        {"embedding_dim": 4, "pair_units": (6, 3), "hidden_units": (8,)},
        "embedding_regularizer",
    ),
    "autofeature": (
        AutoFeature,
        {"architecture": PAIRS, "embedding_dim": 4, "pair_units": 3, "hidden_units": (16,)},
        "embedding_regularizer",
    ),
    "autogroup": (
        AutoGroup,
        {"hidden_units": (32,), "num_groups": (3, 4, 2), "embedding_dims": (4, 4, 3)},
        "embedding_regularizer",
    ),
    "autoemb": (AutoEmb, {"counts": None, "hidden_units": (16,)}, "embedding_regularizer"),
}

SIZES = {"a": 8, "b": 8, "c": 3, "d": 4}
RNG = np.random.default_rng(0)
IDS = np.array(
    [(a, b, RNG.integers(3), RNG.integers(4)) for a, b in itertools.product(range(8), repeat=2)],
    "int32",
)
LABELS = RNG.integers(0, 2, (64, 1)).astype("float32")
SEPARABLE = (IDS[:, :1] < 4).astype("float32")  # by a linear model

KINDS = {
    "a": 8,
    "b": Field(8, 3, combiner="mean"),
    "c": Field(3, 2, True, "sqrtn"),
    "d": Field(1, weighted=True),
}
COLUMNS = np.column_stack(
    [IDS[:, 0], RNG.integers(-1, 8, (64, 3)), RNG.integers(-1, 3, (64, 2)), np.zeros(64)]
).astype("int32")
COLUMNS[0, 1:6] = -1
WEIGHTS = RNG.normal(size=(64, 3)).astype("float32")

each_model = pytest.mark.parametrize("model", MODELS)


def build(model, sizes=SIZES, **options):
    cls, arguments, _ = MODELS[model]
    return cls(sizes, **arguments, **options)


def randomized(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    return model


@each_model
def test_shape_and_gradients(model):
    model = randomized(build(model))
    assert model.output_shape == (None, 1)
    with tf.GradientTape() as tape:
        logits = model(IDS, training=True)
        loss = tf.reduce_sum(logits * RNG.normal(size=logits.shape))
    assert logits.shape == (64, 1)
    weights = {w.path: w.value for w in model.trainable_variables}
    for path, gradient in tape.gradient(loss, weights).items():
        assert gradient is not None, path
        gradient = tf.convert_to_tensor(gradient)
        assert np.isfinite(gradient).all(), path
        assert np.any(gradient), path


@each_model
def test_save_and_load(model, tmp_path):
    _, _, regularizer = MODELS[model]
    model = randomized(build(model, **{regularizer: keras.regularizers.L2(0.01)}))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    assert type(loaded) is type(model)
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    assert sum(loaded.losses) == sum(model.losses) > 0


@each_model
def test_overfits(model):
    labels = SEPARABLE if model == "lr" else LABELS
    keras.utils.set_random_seed(0)
    model = build(model)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, steps_per_execution=20)
    model.fit(tf.data.Dataset.from_tensors((IDS, labels)).repeat(240), shuffle=False, verbose=0)
    assert model.evaluate(IDS, labels, verbose=0) < 0.02


@each_model
def test_mixed_precision(model):
    exact = randomized(build(model))(IDS)
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = randomized(build(model))
    logits = mixed(IDS)
    assert logits.dtype == "float32"
    assert {w.dtype for w in mixed.weights} == {"float32"}
    np.testing.assert_allclose(logits, exact, atol=0.05 * np.abs(exact).max())


@each_model
def test_export(model, tmp_path):
    model = randomized(build(model))
    export_saved_model(model, SIZES, tmp_path / "1", IDS)
    served = tf.saved_model.load(tmp_path / "1").signatures["serving_default"]
    columns = {field: tf.constant(IDS[:, i]) for i, field in enumerate(SIZES)}
    np.testing.assert_allclose(served(**columns)["ctr"], tf.sigmoid(model(IDS)), atol=1e-6)


@each_model
def test_out_of_range_ids_are_the_fields_row_zero(model):
    model = randomized(build(model))
    np.testing.assert_array_equal(
        model(IDS * [[1, -1, 1, 0]] + [[9, -1, 0, 4]]), model(IDS * [[0, 0, 1, 0]])
    )


@each_model
def test_fields_of_every_kind(model, tmp_path):
    model = randomized(build(model, KINDS))
    assert [tensor.shape for tensor in model.inputs] == [(None, 7), (None, 3)]
    logits = model([COLUMNS, WEIGHTS])
    assert np.isfinite(logits).all()
    poisoned = np.where(COLUMNS[:, 4:] == -1, np.nan, WEIGHTS)
    np.testing.assert_array_equal(model((COLUMNS, poisoned)), logits)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([COLUMNS, WEIGHTS]), logits)


@each_model
def test_argument_errors(model):
    cls, arguments, _ = MODELS[model]
    with pytest.raises(ValueError, match=r"number of ids or its Field. Received: .*\[8, 8\]"):
        cls([8, 8], **arguments)
    with pytest.raises(TypeError, match="embeding_dim"):
        cls(SIZES, **arguments, embeding_dim=4)
