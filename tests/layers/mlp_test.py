import numpy as np
import pytest

from aim_keras.layers import MLP

X = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")


def built(*arguments):
    layer = MLP(*arguments)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights(
        [
            rng.uniform(-0.5, 1, w.shape) if w.ndim > 1 else rng.uniform(0.5, 1, w.shape)
            for w in layer.get_weights()
        ]
    )
    return layer


def weights(layer):
    return {tuple(w.path.split("/")[-2:]): w.numpy().astype("float64") for w in layer.weights}


def definition(layer, norm, training):
    w, a = weights(layer), X.astype("float64")
    for i in range(len(layer.hidden_units)):
        a = a @ w[f"dense_{i}", "kernel"] + w[f"dense_{i}", "bias"]
        if norm == "layer":
            a = (a - a.mean(axis=1, keepdims=True)) / np.sqrt(a.var(axis=1, keepdims=True) + 1e-5)
        if norm == "batch":
            moving = (w[f"norm_{i}", "moving_mean"], w[f"norm_{i}", "moving_variance"])
            mean, variance = (a.mean(axis=0), a.var(axis=0)) if training else moving
            a = (a - mean) / np.sqrt(variance + 1e-5)
        if norm != "none":
            a = a * w[f"norm_{i}", "gamma"] + w[f"norm_{i}", "beta"]
        a = np.maximum(a, 0)
    return a @ w["logit", "kernel"] + w["logit", "bias"]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("hidden_units", [(), (4,), (5, 3)])
def test_equals_the_definition(hidden_units, norm, training):
    layer = built(hidden_units, norm)
    expected = definition(layer, norm, training)
    np.testing.assert_allclose(layer(X, training=training), expected, rtol=1e-4, atol=1e-4)


def test_batch_norms_move_by_a_tenth():
    layer = built([5], "batch")
    dense, norm = layer.tower[:2]
    before, batch = norm.moving_mean.numpy(), dense(X).numpy().mean(axis=0)
    layer(X, training=True)
    np.testing.assert_allclose(norm.moving_mean, 0.9 * before + 0.1 * batch, rtol=1e-5)


def test_dropout_only_in_training():
    layer, plain = built([500], "none", 0.4), built([500])
    np.testing.assert_array_equal(layer(X), plain(X))
    trained = layer(X, training=True).numpy()
    assert (trained != plain(X).numpy()).all()
    np.testing.assert_allclose(trained.mean(), plain(X).numpy().mean(), rtol=0.02)


def test_dropout_drops_its_share_and_scales_the_rest():
    layer = built([1000], "none", 0.4)
    hidden = layer.tower[1](layer.tower[0](X))
    dropped = layer.tower[2](hidden, training=True).numpy()[hidden.numpy() > 0]
    kept = dropped > 0
    assert kept.mean() == pytest.approx(0.6, abs=0.01)
    np.testing.assert_allclose(
        dropped[kept], hidden.numpy()[hidden.numpy() > 0][kept] / 0.6, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([[8, 0]], r"integers >= 1. Received: hidden_units=\[8, 0\]"),
        ([[8.0]], r"integers >= 1. Received: hidden_units=\[8.0\]"),
        ([[8], "group"], "norm must be one of none, layer, batch. Received: norm='group'"),
        ([[8], "none", 1], r"dropout must be in \[0, 1\). Received: dropout=1"),
        ([[8], "none", -0.1], r"dropout must be in \[0, 1\). Received: dropout=-0.1"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(*arguments)
