"""Every model without gates, rows of fields of every kind, and what any model must hold."""

import inspect
import itertools
import json

import keras
import numpy as np
import tensorflow as tf

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
    DCNv2,
    FiGNN,
    FinalMLP,
    FwFM,
    WideDeep,
    XDeepFM,
)
from aim_keras.models.interaction_terms import InteractionOptions
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

# `{name: (class, arguments)}`
BASELINES = {
    "lr": (LR, {}),
    "fwfm": (FwFM, {}),
    "fwfm_feature_vectors": (FwFM, {"linear": "feature_vectors"}),
    "fwfm_field_vectors": (FwFM, {"linear": "field_vectors"}),
    "afm": (AFM, {"attention_regularizer": "l2"}),
    "xdeepfm": (XDeepFM, {"embedding_dim": 4, "cin_units": (5, 3), "hidden_units": (8,)}),
    "dcnv2": (DCNv2, {"embedding_dim": 4, "cross_layers": 2, "hidden_units": (8,)}),
    "dcnv2_stacked": (
        DCNv2,
        {"embedding_dim": 4, "rank": 3, "stacked": True, "hidden_units": (8,)},
    ),
    "finalmlp": (FinalMLP, {"embedding_dim": 4, "hidden_units": ((8, 6), (4,)), "num_heads": 2}),
    "finalmlp_gated": (
        FinalMLP,
        {
            "embedding_dim": 4,
            "hidden_units": ((8,), (6,)),
            "contexts": (["b", "c"], ["d"]),
            "gate_units": (4,),
        },
    ),
    "ffm": (FFM, {}),
    "hofm": (HOFM, {}),
    "hofm_shared": (HOFM, {"order": 4, "shared_embedding": True}),
    "dnn": (DNN, {"hidden_units": (16, 16)}),
    "wide_deep": (WideDeep, {"hidden_units": (16,)}),
    "nfm": (NFM, {"hidden_units": (16,)}),
    "nfm_normalized": (NFM, {"hidden_units": (16,), "normalize_pooled": True}),
    "autoint": (
        AutoInt,
        {"embedding_dim": 4, "attention_layers": 2, "attention_dim": 6, "scale": True},
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
    ),
    "fignn": (FiGNN, {"embedding_dim": 2, "steps": 2}),
    "fignn_without_gru": (FiGNN, {"embedding_dim": 2, "steps": 2, "gru": False}),
    "kpnn": (IPNN, {"embedding_dim": 4, "functions": ("matrix_kernel",), "hidden_units": (8,)}),
    "opnn": (OPNN, {"embedding_dim": 4, "hidden_units": (8,)}),
    "pin": (PIN, {"embedding_dim": 4, "pair_units": (6, 3), "hidden_units": (8,)}),
    "autofeature": (
        AutoFeature,
        {"architecture": PAIRS, "embedding_dim": 4, "pair_units": 3, "hidden_units": (16,)},
    ),
    "autogroup": (
        AutoGroup,
        {"hidden_units": (32,), "num_groups": (3, 4, 2), "embedding_dims": (4, 4, 3)},
    ),
    "autoemb": (AutoEmb, {"counts": None, "hidden_units": (16,)}),
}

SIZES = {"a": 8, "b": 8, "c": 3, "d": 4}
RNG = np.random.default_rng(0)
IDS = np.array(
    [(a, b, RNG.integers(3), RNG.integers(4)) for a, b in itertools.product(range(8), repeat=2)],
    "int32",
)
LABELS = RNG.integers(0, 2, (64, 1)).astype("float32")

KINDS = {
    "a": 8,
    "b": Field(8, 3, combiner="mean", table="a"),
    "c": Field(3, 2, True, "sqrtn"),
    "d": Field(1, weighted=True),
}
COLUMNS = np.column_stack(
    [IDS[:, 0], RNG.integers(-1, 8, (64, 3)), RNG.integers(-1, 3, (64, 2)), np.zeros(64)]
).astype("int32")
COLUMNS[0, 1:6] = -1
WEIGHTS = RNG.normal(size=(64, 3)).astype("float32")


def new_baseline(model, sizes=SIZES, **options):
    cls, arguments = BASELINES[model]
    return cls(sizes, **arguments, **options)


def loss_after_training(model, optimizer, labels, steps=240):
    """The loss that is left. All steps are one graph: that of `fit` is traced for longer."""
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    variables = model.trainable_variables
    optimizer.build(variables)

    def step(i):
        with tf.GradientTape() as tape:
            loss = entropy(labels, model(IDS, training=True))
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return i + 1

    tf.function(lambda: tf.while_loop(lambda i: i < steps, step, [0]), autograph=False)()
    return float(entropy(labels, model(IDS)))


def randomized(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    return model


def check_shape_and_gradients(model, unread=()):
    """Every weight has a gradient, but those of the paths `unread`, which have none."""
    randomized(model)
    assert model.output_shape == (None, 1)
    with tf.GradientTape() as tape:
        logits = model(IDS, training=True)
        loss = tf.reduce_sum(logits * np.random.default_rng(2).normal(size=logits.shape))
    assert logits.shape == (64, 1)
    trained = {w.path: w.value for w in model.trainable_variables if 0 not in w.shape}
    gradients = tape.gradient(loss, trained)
    assert {path for path, gradient in gradients.items() if gradient is None} == set(unread)
    for path in gradients.keys() - set(unread):
        gradient = tf.convert_to_tensor(gradients[path])
        assert np.isfinite(gradient).all(), path
        assert np.any(gradient), path


def check_config(model):
    """An argument that it lacks would be its default again in a loaded model."""
    config = set(model.get_config())
    arguments = {*inspect.signature(type(model)).parameters, "dtype"}
    if "interaction_options" in arguments:
        arguments.remove("interaction_options")
        arguments |= config & InteractionOptions.__annotations__.keys()
    assert config == arguments


def check_save_and_load(model, inputs, folder):
    """The loaded model is returned."""
    check_config(model)
    randomized(model).save(folder / "model.keras")
    loaded = keras.saving.load_model(folder / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert type(loaded) is type(model)
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    return loaded


def check_mixed_precision(build):
    """Only an MLP rounds under a mixed policy; the model under it is returned."""
    exact = randomized(build())(IDS)
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = randomized(build())
    logits = mixed(IDS)
    assert logits.dtype == "float32"
    assert {w.dtype for w in mixed.weights} == {"float32"}
    np.testing.assert_allclose(logits, exact, atol=0.05 * np.abs(exact).max())
    if not any(layer.name.startswith("mlp") for layer in mixed.layers):
        np.testing.assert_array_equal(logits, exact)
    return mixed


def check_out_of_range_ids(model):
    """They are the fields' row zero."""
    randomized(model)
    np.testing.assert_array_equal(
        model(IDS * [[1, -1, 1, 0]] + [[2**32, -1, 0, 4]]), model(IDS * [[0, 0, 1, 0]])
    )


def check_fields_of_every_kind(model, folder):
    """A model of `KINDS`; the weight of an empty place of a list is not read."""
    randomized(model)
    assert [tensor.name for tensor in model.inputs] == ["features", "weights"]
    assert [tensor.shape for tensor in model.inputs] == [(None, 7), (None, 3)]
    logits = model([COLUMNS, WEIGHTS])
    assert np.isfinite(logits).all()
    poisoned = np.where(COLUMNS[:, 4:] == -1, np.nan, WEIGHTS)
    np.testing.assert_array_equal(model((COLUMNS, poisoned)), logits)
    check_save_and_load(model, [COLUMNS, WEIGHTS], folder)
