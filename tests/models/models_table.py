"""Every model without gates, with arguments, and rows of fields of every kind, for tests of all."""

import itertools

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
BASELINES = {
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


def new_baseline(model, sizes=SIZES, **options):
    cls, arguments, _ = BASELINES[model]
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
