"""What every layer must hold; a new layer is a line in `LAYERS`."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras import layers
from aim_keras.fields import Field

BATCH, FUNCTIONS, FIELDS, DIM = 6, 3, 4, 5
SIZES = [7, 3, 1, 5]
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, BATCH) for size in SIZES], axis=1).astype("int32")
LISTS = [7, Field(6, 3, combiner="mean"), Field(4, 2)]
LISTED = np.column_stack(
    [IDS[:, 0], RNG.integers(-1, 6, (BATCH, 3)), RNG.integers(-1, 4, (BATCH, 2))]
)
MIXED = [7, Field(6, 3, combiner="mean"), Field(1, weighted=True), Field(4, 2, True, "sqrtn")]
WEIGHED = [
    np.insert(LISTED, 4, 0, axis=1).astype("int32"),
    RNG.uniform(0.5, 2, (BATCH, 3)).astype("float32"),
]
FUNCTION_WISE = RNG.normal(size=(BATCH, FUNCTIONS, FIELDS, DIM)).astype("float32")
SHARED = FUNCTION_WISE[:, 0]
FLAT = RNG.normal(size=(BATCH, DIM)).astype("float32")

THREE = ["inner", "outer", "matrix_kernel"]
ALL = [*THREE, "vector_kernel", "scalar_kernel"]
NAMES = ["a", "b", "c", "d"]
PAIRS = {"inner": [("a", "b"), ("c", "d")], "outer": [("b", "d")]}
KEPT = [[[0, 2], [], [1, 3, 4], [4]], [[0, 1, 2, 3, 4], [], [2], []]]

LAYERS = {
    "embedding": (layers.FunctionWiseEmbedding, [SIZES, 5, 3], {}, IDS),
    "embedding_shared": (layers.FunctionWiseEmbedding, [SIZES, 5], {"regularizer": "l2"}, IDS),
    "embedding_compact": (layers.FunctionWiseEmbedding, [SIZES, 5, 2, KEPT], {}, IDS),
    "embedding_none": (layers.FunctionWiseEmbedding, [SIZES, 5, 1, [[[]] * 4]], {}, IDS),
    "embedding_lists": (layers.FunctionWiseEmbedding, [LISTS, 5, 3], {}, LISTED.astype("int32")),
    "embedding_weighted": (layers.FunctionWiseEmbedding, [MIXED, 5, 3], {}, WEIGHED),
    "embedding_weighted_compact": (layers.FunctionWiseEmbedding, [MIXED, 5, 2, KEPT], {}, WEIGHED),
    "embedding_linear": (layers.FunctionWiseEmbedding, [SIZES, 5, 3], {"linear": True}, IDS),
    "embedding_linear_compact": (
        layers.FunctionWiseEmbedding,
        [MIXED, 5, 2, KEPT],
        {"linear": True, "regularizer": "l2"},
        WEIGHED,
    ),
    "embedding_linear_alone": (
        layers.FunctionWiseEmbedding,
        [SIZES, 5, 1, [[[]] * 4]],
        {"linear": True},
        IDS,
    ),
    "beta": (layers.DimensionGate, [THREE], {}, FUNCTION_WISE),
    "beta_function": (layers.DimensionGate, [THREE, (2, 3), NAMES, True], {}, FUNCTION_WISE),
    "beta_plain": (layers.DimensionGate, [THREE], {"normalize": False}, FUNCTION_WISE),
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
    "linear": (layers.Linear, [SIZES], {"initializer": "normal", "regularizer": "l1"}, IDS),
    "linear_weighted": (layers.Linear, [MIXED], {"initializer": "normal"}, WEIGHED),
    "mlp": (layers.MLP, [[8, 3]], {}, FLAT),
    "mlp_layer": (layers.MLP, [[8, 3], "layer"], {}, FLAT),
    "mlp_batch": (layers.MLP, [[8, 3], "batch", 0.5], {}, FLAT),
    "mlp_input_dropout": (layers.MLP, [[8, 3], "layer", 0.5, 0.2], {}, FLAT),
    "mlp_shallow": (layers.MLP, [[]], {}, FLAT),
    "batch_norm": (layers.ParamFreeBatchNorm, [1e-3, 0.9], {}, FUNCTION_WISE),
}


each = keras.tree.map_structure  # of the arrays that a layer takes, one or several


@pytest.fixture(params=LAYERS.values(), ids=LAYERS.keys())
def case(request):
    cls, arguments, options, x = request.param
    return (lambda **kwargs: cls(*arguments, **options, **kwargs)), x


def randomized(layer, x):
    """The layer, built, with weights that are neither zero nor one."""
    layer(x)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.3, 0.9, w.shape).astype("float32") for w in layer.weights])
    return layer


def call(layer, x, training):
    return layer(x, training=training) if layer._call_has_training_arg else layer(x)


def functional(layer, x):
    inputs = each(lambda part: keras.Input(part.shape[1:], dtype=part.dtype.name), x)
    return keras.Model(inputs, layer(inputs))


def assert_equal(outputs, expected, rtol=0.0, atol=0.0):
    for y, z in zip(tf.nest.flatten(outputs), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(y, z, rtol, atol)


def test_output_shape(case):
    make, x = case
    layer = make()
    shapes = [tuple(y.shape) for y in tf.nest.flatten(layer(x))]
    computed = layer.compute_output_shape(each(np.shape, x))
    assert shapes == (list(computed) if isinstance(computed[0], tuple) else [computed])
    symbolic = tf.nest.flatten(functional(layer, x).output)
    assert [tuple(y.shape) for y in symbolic] == [(None, *shape[1:]) for shape in shapes]


def test_unknown_batch(case):
    make, x = case
    layer = randomized(make(), x)
    unknown = each(lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype), x)
    predict = tf.function(functional(layer, x), input_signature=[unknown])
    for chosen in (range(BATCH), range(1), range(0), [*range(BATCH), *range(BATCH)]):
        rows = each(lambda part, chosen=chosen: part[np.array(chosen, int)], x)
        assert_equal(predict(rows), layer(rows), rtol=1e-5, atol=1e-6)


def test_gradients(case):
    make, x = case
    layer, x = randomized(make(), x), each(tf.constant, x)
    rng = np.random.default_rng(2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.nest.flatten(call(layer, x, training=True))
        loss = sum(tf.reduce_sum(y * rng.normal(size=y.shape)) for y in outputs)
    sources = {w.path: w.value for w in layer.trainable_variables if 0 not in w.shape}
    if all(y.shape[1] for y in outputs):
        floats = [part for part in tf.nest.flatten(x) if part.dtype.is_floating]
        sources |= {f"inputs_{i}": part for i, part in enumerate(floats)}
    for path, gradient in tape.gradient(loss, sources).items():
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), path
        # A bias in front of a batch norm has the gradient zero.
        assert np.any(tf.convert_to_tensor(gradient)) or path.endswith("bias"), path


def test_config(case):
    make, x = case
    layer = randomized(make(name="of_this_name"), x)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    clone = keras.saving.deserialize_keras_object(config)
    clone(x)
    clone.set_weights(layer.get_weights())
    assert clone.name == "of_this_name"
    assert clone.get_config() == layer.get_config()
    assert_equal(clone(x), layer(x))


def test_save_and_load(case, tmp_path):
    make, x = case
    model = functional(randomized(make(), x), x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_equal(loaded(x), model(x))
    assert [w.path for w in loaded.weights] == [w.path for w in model.weights]


@pytest.mark.parametrize("training", [False, True])
def test_jit_compile(case, training):
    make, x = case
    training = training and not getattr(make(), "dropout", 0)  # XLA draws other random numbers.

    def run(jit_compile):
        layer = randomized(make(), x)
        compiled = tf.function(lambda x: call(layer, x, training), jit_compile=jit_compile)
        return compiled(x), layer.get_weights()

    assert_equal(run(jit_compile=True), run(jit_compile=False), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dtype", "precision"), [("float16", 2**-10), ("bfloat16", 2**-7)])
def test_mixed_precision(case, dtype, precision):
    make, x = case
    layer = randomized(make(dtype=f"mixed_{dtype}"), x)
    assert type(layer).from_config(layer.get_config()).dtype_policy == layer.dtype_policy
    assert {w.dtype for w in layer.weights} <= {"float32"}
    exact = tf.nest.flatten(randomized(make(dtype="float32"), x)(x))
    for y, z in zip(tf.nest.flatten(layer(x)), exact, strict=True):
        assert y.dtype.name == ("float32" if isinstance(layer, layers.MLP) else dtype)
        scale = np.abs(z).max(initial=1)
        np.testing.assert_allclose(tf.cast(y, "float32"), z, atol=8 * precision * scale)
