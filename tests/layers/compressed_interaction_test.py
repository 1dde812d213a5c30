import keras
import numpy as np
import pytest

from aim_keras.layers import CompressedInteraction

BATCH, FIELDS, DIM = 3, 4, 5
X = np.random.default_rng(0).normal(size=(BATCH, FIELDS, DIM)).astype("float32")


def built(units):
    layer = CompressedInteraction(units)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def definition(layer):
    """Every sum written out."""
    outputs = []
    for x_0 in X.astype("float64"):
        x, pooled = x_0, []
        for units, kernel in zip(layer.units, layer.get_weights(), strict=True):
            following = np.zeros((units, DIM))
            for h in range(units):
                for i in range(len(x)):
                    for j in range(FIELDS):
                        for d in range(DIM):
                            following[h, d] += kernel[i * FIELDS + j, h] * x[i, d] * x_0[j, d]
            x = following
            pooled += [sum(x[h]) for h in range(units)]
        outputs.append(pooled)
    return outputs


@pytest.mark.parametrize("units", [(3,), (3, 2), (2, 4, 3)])
def test_equals_the_definition(units):
    layer = built(units)
    np.testing.assert_allclose(layer(X), definition(layer), rtol=1e-4, atol=1e-4)


def test_a_layers_order_is_one_higher_than_that_of_the_layer_below():
    layer = built((3, 2, 1))
    once, twice = layer(X).numpy(), layer(2 * X).numpy()
    np.testing.assert_allclose(twice, once * [4, 4, 4, 8, 8, 16], rtol=1e-5)


@pytest.mark.parametrize("units", [(), (3, 0), (3.0,)])
def test_argument_errors(units):
    with pytest.raises(ValueError, match=r". Received: units="):
        CompressedInteraction(units)


def test_shape_errors():
    with pytest.raises(ValueError, match=r"\(batch, fields, dim\). Received: shape \(3, 20\)"):
        CompressedInteraction([3])(X.reshape(BATCH, -1))
    with pytest.raises(ValueError, match=r"of known fields, .* Received: shape \(None, None, 4\)"):
        CompressedInteraction([3])(keras.Input((None, 4)))
