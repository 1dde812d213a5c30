import numpy as np
import pytest
import tensorflow as tf

from aim_keras.layers import ParamFreeBatchNorm
from tests import forked

RNG = np.random.default_rng(0)


def batches(count=5, offset=0.0):
    return [(offset + RNG.normal(2, 3, size=(8, 2, 3))).astype("float32") for _ in range(count)]


def definition(z, mean, variance, epsilon):
    return (z.astype("float64") - mean) / np.sqrt(variance + epsilon)


@pytest.mark.parametrize("epsilon", [1e-5, 1e-1])
def test_training_equals_the_definition(epsilon):
    (z,) = batches(1)
    expected = definition(z, z.mean(axis=0), z.var(axis=0), epsilon)
    layer = ParamFreeBatchNorm(epsilon)
    np.testing.assert_allclose(layer(z, training=True), expected, rtol=1e-5, atol=1e-6)


def test_gradient_equals_the_definition():
    """Of the mean and of the variance, too, which both read every row."""
    (z,), (upstream,) = batches(1), batches(1)
    z = tf.constant(z, "float64")
    with tf.GradientTape() as tape:
        tape.watch(z)
        normed = ParamFreeBatchNorm(0.1, dtype="float64")(z, training=True)
    gradient = tape.gradient(normed, z, upstream.astype("float64")).numpy()
    along = np.mean(upstream * normed, axis=0)
    scale = 1 / np.sqrt(np.var(z, axis=0) + 0.1)
    expected = scale * (upstream - upstream.mean(axis=0, dtype="float64") - normed * along)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "momentum"), [([], 0.9), ([0.0], 0.0), ([0.5], 0.5), ([0.99], 0.99)]
)
def test_moving_averages(arguments, momentum):
    layer = ParamFreeBatchNorm(1e-3, *arguments)
    mean, variance = np.zeros((2, 3)), np.ones((2, 3))
    for seen, z in enumerate(batches(15)):
        layer(z, training=True)
        decay = min(momentum, seen / (seen + 1))
        mean = decay * mean + (1 - decay) * z.mean(axis=0)
        variance = decay * variance + (1 - decay) * z.var(axis=0)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-5)
    np.testing.assert_allclose(layer(z), definition(z, mean, variance, 1e-3), rtol=1e-4, atol=1e-5)


def test_moving_averages_start_as_plain_averages():
    layer = ParamFreeBatchNorm(momentum=0.99)
    seen = batches(7)
    for z in seen:
        layer(z, training=True)
    np.testing.assert_allclose(layer.moving_mean, np.mean(seen, axis=(0, 1)), rtol=1e-5)


def test_inference_changes_nothing():
    layer = ParamFreeBatchNorm()
    (z,) = batches(1)
    layer(z, training=True)
    before = layer.get_weights()
    layer(z + 5)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567, 1e6, 3e-30])
def test_constant_column_is_exactly_zero(value):
    layer = ParamFreeBatchNorm()
    z = np.full((7, 1), value, "float32")
    for _ in range(30):
        np.testing.assert_array_equal(layer(z, training=True), np.zeros((7, 1)))
    np.testing.assert_array_equal(layer(z), np.zeros((7, 1)))
    assert layer.moving_variance.numpy() == 0


@pytest.mark.parametrize("offset", [1e4, -1e6])
def test_large_offset(offset):
    (z,) = batches(1, offset)
    exact = z.astype("float64")
    expected = definition(z, exact.mean(axis=0), exact.var(axis=0), 1e-5)
    layer = ParamFreeBatchNorm()
    outputs = layer(z, training=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-4)
    np.testing.assert_allclose(layer(z), expected, atol=2 * np.spacing(np.float32(abs(offset))))


def test_float64_is_exact():
    z = 1e6 + RNG.normal(size=(64, 2))
    expected = definition(z, z.mean(axis=0), z.var(axis=0), 1e-10)
    layer = ParamFreeBatchNorm(1e-10, dtype="float64")
    np.testing.assert_allclose(layer(z, training=True), expected, atol=1e-8)
    np.testing.assert_allclose(layer(z), expected, atol=1e-8)
    assert {w.dtype for w in layer.weights} == {"float64"}


@pytest.mark.parametrize("dtype", ["float32", "float16", "mixed_float16", "mixed_bfloat16"])
def test_under_any_other_policy_it_is_float32(dtype):
    layer = ParamFreeBatchNorm(dtype=dtype)
    centred, scale = layer(batches(1)[0], training=True), layer.centre(batches(1)[0])[1]
    assert {w.dtype for w in layer.weights} == {scale.dtype.name} == {"float32"}
    assert centred.dtype == layer.compute_dtype


def test_a_row_alone_gives_zero():
    np.testing.assert_array_equal(ParamFreeBatchNorm()(batches(1)[0][:1], training=True), 0)


def test_a_batch_without_rows_changes_nothing():
    layer = ParamFreeBatchNorm()
    for z in batches(3):
        layer(z, training=True)
    before = layer.get_weights()
    assert layer(z[:0], training=True).shape == (0, 2, 3)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_unequal_parts_on_two_devices_are_one_batch(tmp_path):
    run = forked.run("tests.layers.norm_of_replicas", tmp_path / "results.npz")
    assert run.returncode == 0, run.stderr
    results = np.load(tmp_path / "results.npz")
    for name in (name for name in results.files if name.startswith("one/")):
        other = name.replace("one/", "two/")
        np.testing.assert_allclose(results[other], results[name], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(results["two/0/0"][:, 2], 0)


def test_scale_does_not_matter():
    (z,) = batches(1)
    layer = ParamFreeBatchNorm(1e-7)
    small, large = (layer(z * factor, training=True) for factor in (1, 100))
    np.testing.assert_allclose(small, large, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 0.0}, "epsilon must be above 0. Received: epsilon=0.0"),
        ({"epsilon": -1e-5}, "epsilon must be above 0"),
        ({"epsilon": float("nan")}, "epsilon must be above 0. Received: epsilon=nan"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\). Received: momentum=1.0"),
        ({"momentum": -0.1}, r"momentum must be in \[0, 1\)"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        ParamFreeBatchNorm(**arguments)
