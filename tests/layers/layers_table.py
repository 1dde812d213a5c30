"""Every layer with arguments and inputs, for the tests of what all layers must hold."""

import keras
import numpy as np

from aim_keras import layers
from aim_keras.fields import Field
from tests.layers.own_functions import OWN

BATCH, FUNCTIONS, FIELDS, DIM = 6, 3, 4, 5
SIZES = [7, 3, 1, 5]
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, BATCH) for size in SIZES], axis=1).astype("int32")
LISTS = [7, Field(6, 3, combiner="mean"), Field(4, 2)]
LISTED = np.column_stack(
    [IDS[:, 0], RNG.integers(-1, 6, (BATCH, 3)), RNG.integers(-1, 4, (BATCH, 2))]
)
TABLES = [Field(6, table="a"), Field(6, 3, combiner="mean", table="a"), Field(4, 2)]
MIXED = [7, Field(6, 3, combiner="mean"), Field(1, weighted=True), Field(4, 2, True, "sqrtn")]
WEIGHED = [
    np.insert(LISTED, 4, 0, axis=1).astype("int32"),
    RNG.uniform(0.5, 2, (BATCH, 3)).astype("float32"),
]
FUNCTION_WISE = RNG.normal(size=(BATCH, FUNCTIONS, FIELDS, DIM)).astype("float32")
SHARED = FUNCTION_WISE[:, 0]
USED = np.arange(BATCH * FIELDS).reshape(BATCH, FIELDS) % 3 > 0
FLAT = RNG.normal(size=(BATCH, DIM)).astype("float32")
IS_KEPT = RNG.random((FUNCTIONS, FIELDS, DIM)) < 0.7
COMPACT = FUNCTION_WISE[:, IS_KEPT]
COLUMNS = np.where(IS_KEPT, np.cumsum(IS_KEPT).reshape(IS_KEPT.shape) - 1, -1).tolist()

THREE = ["inner", "outer", "matrix_kernel"]
ALL = [*THREE, "vector_kernel", "scalar_kernel"]
NAMES = ["a", "b", "c", "d"]
PAIRS = {"inner": [("a", "b"), ("c", "d")], "outer": [("b", "d")]}
KEPT = [[[0, 2], [], [1, 3, 4], [4]], [[0, 1, 2, 3, 4], [], [2], []]]

LAYERS = {
    "embedding": (layers.FunctionWiseEmbedding, [SIZES, 5, 3], {}, IDS),
    "embedding_shared": (layers.FunctionWiseEmbedding, [SIZES, 5], {"regularizer": "l2"}, IDS),
    "embedding_kept": (layers.FunctionWiseEmbedding, [SIZES, 5, 2, KEPT], {}, IDS),
    "embedding_compact": (
        layers.FunctionWiseEmbedding,
        [SIZES, 5, 2, KEPT],
        {"compact": True},
        IDS,
    ),
    "embedding_none": (layers.FunctionWiseEmbedding, [SIZES, 5, 1, [[[]] * 4]], {}, IDS),
    "embedding_lists": (layers.FunctionWiseEmbedding, [LISTS, 5, 3], {}, LISTED.astype("int32")),
    "embedding_tables": (
        layers.FunctionWiseEmbedding,
        [TABLES, 5, 2, [[[0, 2], [1, 2], [4]], [[], [3], []]]],
        {"linear": True},
        LISTED.astype("int32"),
    ),
    "embedding_weighted": (layers.FunctionWiseEmbedding, [MIXED, 5, 3], {}, WEIGHED),
    "embedding_weighted_kept": (layers.FunctionWiseEmbedding, [MIXED, 5, 2, KEPT], {}, WEIGHED),
    "embedding_linear": (layers.FunctionWiseEmbedding, [SIZES, 5, 3], {"linear": True}, IDS),
    "embedding_linear_kept": (
        layers.FunctionWiseEmbedding,
        [MIXED, 5, 2, KEPT],
        {"linear": True, "regularizer": "l2"},
        WEIGHED,
    ),
    "embedding_linear_compact": (
        layers.FunctionWiseEmbedding,
        [MIXED, 5, 2, KEPT],
        {"linear": True, "compact": True},
        WEIGHED,
    ),
    "embedding_linear_alone": (
        layers.FunctionWiseEmbedding,
        [SIZES, 5, 1, [[[]] * 4]],
        {"linear": True},
        IDS,
    ),
    "cin": (layers.CompressedInteraction, [[3, 4, 2]], {}, SHARED),
    "cin_of_one_layer": (layers.CompressedInteraction, [[3]], {}, SHARED),
    "fusion": (layers.BilinearFusion, [2], {}, [FLAT[:, :4], FLAT[:, 1:3]]),
    "cross": (layers.CrossNetwork, [2], {}, FLAT),
    "cross_of_low_rank": (layers.CrossNetwork, [3, 2], {}, FLAT),
    "attention": (layers.FieldAttention, [8, 2], {}, SHARED),
    "attention_as_wide_as_its_input": (layers.FieldAttention, [5, 1, True, True], {}, SHARED),
    "attention_normed": (layers.FieldAttention, [6, 3, True, True, True], {}, SHARED),
    "attention_plain": (layers.FieldAttention, [6], {"residual": False}, SHARED),
    "attention_dropout": (layers.FieldAttention, [6], {"dropout": 0.5}, SHARED),
    "target": (layers.TargetAttention, [[7]], {}, [SHARED[:, 0], SHARED, USED]),
    "beta": (layers.DimensionGate, [THREE], {}, FUNCTION_WISE),
    "beta_function": (layers.DimensionGate, [THREE, (2, 3), NAMES, True], {}, FUNCTION_WISE),
    "beta_plain": (layers.DimensionGate, [THREE], {"normalize": False}, FUNCTION_WISE),
    "soft_beta": (
        layers.SoftDimension,
        [[0, 2, 5]],
        {"functions": THREE, "per_function": True},
        FUNCTION_WISE,
    ),
    "alpha": (layers.GatedInteraction, [THREE, PAIRS, 2, NAMES], {}, FUNCTION_WISE),
    "alpha_shared": (layers.GatedInteraction, [ALL], {"order": 3}, SHARED),
    "alpha_products": (layers.GatedInteraction, [ALL], {"return_products": True}, SHARED),
    "alpha_none": (layers.GatedInteraction, [THREE, []], {"return_products": True}, FUNCTION_WISE),
    "alpha_summed": (layers.GatedInteraction, [THREE], {"summed": True}, FUNCTION_WISE),
    "alpha_summed_some": (
        layers.GatedInteraction,
        [THREE, PAIRS, 2, NAMES],
        {"summed": True, "return_products": True},
        FUNCTION_WISE,
    ),
    "ungated_summed": (
        layers.GatedInteraction,
        [ALL],
        {"gated": False, "summed": True},
        SHARED,
    ),
    "ungated": (layers.GatedInteraction, [THREE], {"gated": False}, FUNCTION_WISE),
    "alpha_columns": (
        layers.GatedInteraction,
        [THREE, PAIRS, 2, NAMES],
        {"columns": COLUMNS},
        COMPACT,
    ),
    "alpha_columns_products": (
        layers.GatedInteraction,
        [ALL],
        {"order": 3, "return_products": True, "columns": COLUMNS[:1]},
        COMPACT,
    ),
    "alpha_columns_summed": (
        layers.GatedInteraction,
        [THREE],
        {"summed": True, "columns": COLUMNS},
        COMPACT,
    ),
    "ungated_columns_summed": (
        layers.GatedInteraction,
        [ALL],
        {"gated": False, "summed": True, "columns": COLUMNS[:1]},
        COMPACT,
    ),
    "alpha_own": (
        layers.GatedInteraction,
        [["inner", *OWN]],
        {"order": 3, "return_products": True},
        SHARED,
    ),
    "alpha_own_columns": (
        layers.GatedInteraction,
        [OWN],
        {"return_products": True, "columns": COLUMNS[:1]},
        COMPACT,
    ),
    "field_weighted": (layers.FieldWeightedProducts, [0.7, "l1"], {}, SHARED),
    "field_weighted_without_bias": (layers.FieldWeightedProducts, [], {"use_bias": False}, SHARED),
    "group": (layers.GroupInteraction, [3, [[0, 1, 2], [1, 3]]], {}, SHARED),
    "group_of_order_1": (layers.GroupInteraction, [1, [[0, 1, 2], [3], []]], {}, SHARED),
    "group_searched": (layers.GroupInteraction, [2, [[0, 1], [1, 2, 3]], True], {}, SHARED),
    "linear": (layers.Linear, [SIZES], {"initializer": "normal", "regularizer": "l1"}, IDS),
    "linear_weighted": (layers.Linear, [MIXED], {"initializer": "normal"}, WEIGHED),
    "mlp": (layers.MLP, [[8, 3]], {}, FLAT),
    "mlp_layer": (layers.MLP, [[8, 3], "layer"], {}, FLAT),
    "mlp_batch": (layers.MLP, [[8, 3], "batch"], {}, FLAT),
    "mlp_dropout": (layers.MLP, [[8, 3], "batch", 0.5], {}, FLAT),
    "mlp_input_dropout": (layers.MLP, [[8, 3], "layer", 0.5, 0.2], {}, FLAT),
    "mlp_shallow": (layers.MLP, [[]], {}, FLAT),
    "mlp_hidden": (layers.MLP, [[8, 3], "batch"], {"logit": False}, FLAT),
    "attention_pooling": (layers.AttentionPooling, [4, 0.5], {"regularizer": "l2"}, SHARED),
    "attention_pooling_dropout": (layers.AttentionPooling, [], {"dropout": 0.5}, SHARED),
    "batch_norm": (layers.ParamFreeBatchNorm, [1e-3, 0.9], {}, FUNCTION_WISE),
}

each = keras.tree.map_structure  # of the arrays that a layer takes, one or several


def randomized(layer, x):
    """The layer, built, with weights that are neither zero nor one."""
    layer(x)
    return randomize(layer)


def randomize(layer):
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.3, 0.9, w.shape).astype("float32") for w in layer.weights])
    return layer


def call(layer, x, training):
    return layer(x, training=training) if layer._call_has_training_arg else layer(x)


def is_random(layer):
    """Whether it draws random numbers in training."""
    return bool(getattr(layer, "dropout", 0) or getattr(layer, "seed_generator", None))


def functional(layer, x):
    inputs = each(lambda part: keras.Input(part.shape[1:], dtype=part.dtype.name), x)
    return keras.Model(inputs, layer(inputs))
