"""What every layer must hold; a new layer is a line in `layers_table.LAYERS`."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras import layers
from tests.layers.layers_table import (
    BATCH,
    LAYERS,
    call,
    each,
    functional,
    is_random,
    randomized,
)


@pytest.fixture(params=LAYERS.values(), ids=LAYERS.keys())
def case(request):
    cls, arguments, options, x = request.param
    return (lambda **kwargs: cls(*arguments, **options, **kwargs)), x


def gives_logits(layer):
    return isinstance(layer, layers.MLP) and layer.logit


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


def test_clone_model(case):
    make, x = case
    model = functional(randomized(make(), x), x)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert_equal(clone(x), model(x))


def test_jit_compile(case):
    make, x = case
    modes = [False] if is_random(make()) else [False, True]  # XLA draws other random numbers.

    def run(jit_compile):
        layer = randomized(make(), x)

        def in_each_mode(x):
            return [call(layer, x, training) for training in modes]

        if jit_compile:
            in_each_mode = tf.function(in_each_mode, jit_compile=True)
        return in_each_mode(x), layer.get_weights()

    expected = run(jit_compile=False)
    scale = max(np.abs(z).max(initial=1) for z in tf.nest.flatten(expected))
    assert_equal(run(jit_compile=True), expected, rtol=1e-5, atol=1e-6 * scale)


@pytest.mark.parametrize(("dtype", "precision"), [("float16", 2**-10), ("bfloat16", 2**-7)])
def test_mixed_precision(case, dtype, precision):
    make, x = case
    layer = randomized(make(dtype=f"mixed_{dtype}"), x)
    assert type(layer).from_config(layer.get_config()).dtype_policy == layer.dtype_policy
    assert {w.dtype for w in layer.weights} <= {"float32"}
    exact = tf.nest.flatten(randomized(make(dtype="float32"), x)(x))
    outputs = tf.nest.flatten(layer(x))
    symbolic = tf.nest.flatten(functional(layer, x).output)
    assert [y.dtype for y in symbolic] == [y.dtype.name for y in outputs]
    for y, z in zip(outputs, exact, strict=True):
        assert y.dtype.name == ("float32" if gives_logits(layer) else dtype)
        scale = np.abs(z).max(initial=1)
        np.testing.assert_allclose(tf.cast(y, "float32"), z, atol=8 * precision * scale)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_training_under_any_policy(case, dtype):
    make, x = case
    layer = randomized(make(dtype=dtype), x)
    for y in tf.nest.flatten(call(layer, x, training=True)):
        exact = layer.dtype_policy.variable_dtype
        expected = exact if gives_logits(layer) else layer.compute_dtype
        assert y.dtype.name == expected
        assert np.isfinite(tf.cast(y, "float32")).all()


def test_frozen(case):
    """As Keras's `BatchNormalization`: at inference in training, too, but for dropout."""
    make, x = case
    layer = randomized(make(), x)
    layer.trainable = False
    before = layer.get_weights()
    outputs = call(layer, x, training=True)
    for weight, value in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    if not getattr(layer, "dropout", 0):
        assert_equal(outputs, layer(x), rtol=1e-5, atol=1e-6)


def test_made_frozen(case):
    """As a clone or a loaded layer is, until it is trained again."""
    make, x = case
    plain, frozen = (functional(make(trainable=trainable), x) for trainable in (True, False))
    assert not frozen.trainable_variables
    before = frozen.get_weights()
    frozen(x, training=True)
    for weight, value in zip(frozen.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    frozen.layers[-1].trainable = True
    trained = ([w.shape for w in model.trainable_variables] for model in (frozen, plain))
    assert next(trained) == next(trained)
    assert [layer.trainable for layer in frozen._flatten_layers()] == [
        layer.trainable for layer in plain._flatten_layers()
    ]
