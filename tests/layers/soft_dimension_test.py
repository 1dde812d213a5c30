import keras
import numpy as np
import pytest

from aim_keras.layers import SoftDimension

CANDIDATES = (1, 2, 4)
BATCH, FIELDS, DIM = 6, 3, 4
EPSILON = 1e-3
E = np.random.default_rng(0).normal(1, 2, size=(BATCH, 2, FIELDS, DIM)).astype("float32")
NAMES = {"functions": ("inner", "outer"), "fields": "abc", "epsilon": EPSILON}


def built(candidates=CANDIDATES, per_function=True, **options):
    layer = SoftDimension(candidates, **NAMES, per_function=per_function, **options)
    layer.build(E.shape)
    layer.alpha.assign(np.random.default_rng(1).normal(size=layer.alpha.shape))
    return layer


def definition(logits, temperature, mean, variance):
    """The candidates of each embedding, normalized, padded and weighted one by one."""
    outputs = np.zeros(E.shape)
    for b, k, i in np.ndindex(*E.shape[:3]):
        of_field = logits[k if len(logits) > 1 else 0, i]
        p = np.exp(of_field / temperature) / np.exp(of_field / temperature).sum()
        for weight, size in zip(p, CANDIDATES, strict=True):
            for j in range(size):
                e = (float(E[b, k, i, j]) - mean[k, i, j]) / np.sqrt(variance[k, i, j] + EPSILON)
                outputs[b, k, i, j] += weight * e
    return outputs


@pytest.mark.parametrize("per_function", [False, True])
def test_equals_the_definition(per_function):
    layer = built(per_function=per_function, temperature_decay=0.1)
    layer.steps.assign(4)
    layer.batch_norm.moving_mean.assign(np.full(E.shape[1:], 0.5))
    layer.batch_norm.moving_variance.assign(np.full(E.shape[1:], 2.0))
    alpha = layer.alpha.numpy().astype("float64")
    assert alpha.shape == (2 if per_function else 1, FIELDS, len(CANDIDATES))
    expected = definition(alpha, 0.6, np.full(E.shape[1:], 0.5), np.full(E.shape[1:], 2.0))
    np.testing.assert_allclose(layer(E), expected, rtol=1e-5, atol=1e-6)


def test_noise_in_training_is_gumbels(monkeypatch):
    layer = built()
    uniform = np.random.default_rng(2).uniform(0.1, 0.9, layer.alpha.shape)
    monkeypatch.setattr(keras.random, "uniform", lambda *_, **__: uniform.astype("float32"))
    logits = layer.alpha.numpy() - np.log(-np.log(uniform))
    expected = definition(logits, 1.0, E.mean(axis=0), E.var(axis=0))
    np.testing.assert_allclose(layer(E, training=True), expected, rtol=1e-4, atol=1e-5)


def test_a_training_step_draws_anew_and_cools_down():
    layer = built(temperature_decay=0.3)
    first, second = layer(E, training=True), layer(E, training=True)
    assert np.abs(first - second).max() > 0.01
    assert layer.steps.numpy() == 2
    layer(E)
    assert layer.steps.numpy() == 2
    layer.steps.assign(1000)  # the least temperature, 0.01: the largest alpha has all weight
    kept = [[len(of[field]) for field in "abc"] for of in layer.kept_dimensions().values()]
    gates = np.arange(DIM) < np.array(kept)[..., None]
    np.testing.assert_allclose(layer.gates(), gates, atol=1e-6)


def test_kept_dimensions():
    layer = built(candidates=(0, 2, 4), per_function=False)
    layer.alpha.assign([[[0.1, 0.0, 0.05], [-1, 3, 2], [0, 0, 1e-3]]])
    of_field = {"a": (), "b": (0, 1), "c": (0, 1, 2, 3)}
    assert layer.kept_dimensions() == {"inner": of_field, "outer": of_field}
    assert layer.kept_dimensions(threshold=9.0) == layer.kept_dimensions()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": ()}, r"increasing. Received: candidates=\(\)"),
        ({"candidates": (2, 2, 4)}, r"Received: candidates=\(2, 2, 4\)"),
        ({"candidates": (4, 2)}, r"Received: candidates=\(4, 2\)"),
        ({"candidates": (-1, 4)}, r"Received: candidates=\(-1, 4\)"),
        ({"candidates": (1.5, 4)}, r"Received: candidates=\(1.5, 4\)"),
        ({"temperature_decay": -1}, "at least 0. Received: temperature_decay=-1"),
        ({"candidates": (2, 3)}, r"dimension of the input, 4. Received: candidates=\(2, 3\)"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        built(**options)
