import keras
import numpy as np
import pytest

from aim_keras.layers import CrossNetwork

BATCH, FEATURES = 3, 5
X = np.random.default_rng(0).normal(size=(BATCH, FEATURES)).astype("float32")


def built(*arguments):
    layer = CrossNetwork(*arguments)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def definition(layer):
    """Every sum written out."""
    w = {weight.name: weight.numpy().astype("float64") for weight in layer.weights}
    outputs = []
    for x_0 in X.astype("float64"):
        x = x_0
        for k in range(layer.num_layers):
            kernel = w[f"down_{k}"] @ w[f"up_{k}"] if layer.rank else w[f"kernel_{k}"]
            following = np.zeros(FEATURES)
            for i in range(FEATURES):
                inner = sum(kernel[j, i] * x[j] for j in range(FEATURES))
                following[i] = x_0[i] * (inner + w[f"bias_{k}"][i]) + x[i]
            x = following
        outputs.append(x)
    return outputs


@pytest.mark.parametrize("arguments", [(1,), (3,), (1, 2), (3, 2)])
def test_equals_the_definition(arguments):
    layer = built(*arguments)
    np.testing.assert_allclose(layer(X), definition(layer), rtol=1e-4, atol=1e-4)


def test_a_low_rank_has_fewer_weights():
    assert built(2).count_params() == 2 * (5 * 5 + 5)
    assert built(2, 1).count_params() == 2 * (2 * 5 * 1 + 5)


def test_without_biases_the_order_is_one_higher_in_each_layer():
    layer = built(3)
    for weight in layer.weights:
        if "bias" in weight.name:
            weight.assign(np.zeros(FEATURES))
    scales = np.linspace(-1, 1, 7)
    outputs = np.array([layer(scale * X) for scale in scales])  # polynomials of the scale
    powers = np.stack([scales**order for order in range(1, 5)], axis=1)
    _, residuals, _, _ = np.linalg.lstsq(powers, outputs.reshape(7, -1))
    assert residuals.max() < 1e-6 < np.linalg.lstsq(powers[:, :3], outputs.reshape(7, -1))[1].min()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "num_layers=0"),
        ((2.0,), "num_layers=2.0"),
        ((2, 0), "rank=0"),
        ((2, 0.5), "rank=0.5"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=f"must be an integer >= 1. Received: {message}"):
        CrossNetwork(*arguments)


def test_shape_errors():
    with pytest.raises(ValueError, match=r"Received: shape \(3, 5, 1\)"):
        CrossNetwork(1)(X[..., None])
    with pytest.raises(ValueError, match=r"a known number of features.*shape \(None, None\)"):
        CrossNetwork(1)(keras.Input((None,)))
