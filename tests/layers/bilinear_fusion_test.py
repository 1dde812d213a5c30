import numpy as np
import pytest

from aim_keras.layers import BilinearFusion

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(3, width)).astype("float32") for width in (6, 4))


@pytest.mark.parametrize("num_heads", [1, 2])
def test_equals_the_definition(num_heads):
    layer = BilinearFusion(num_heads)
    layer.build([X.shape, Y.shape])
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    w = {weight.name: weight.numpy().astype("float64") for weight in layer.weights}
    p, q = 6 // num_heads, 4 // num_heads
    expected = []
    for x, y in zip(X, Y, strict=True):
        logit = w["bias"][0]
        logit += sum(w["linear_0"][i, 0] * x[i] for i in range(6))
        logit += sum(w["linear_1"][j, 0] * y[j] for j in range(4))
        for h in range(num_heads):
            for i in range(p):
                for j in range(q):
                    logit += x[h * p + i] * w["kernel"][h, i, j] * y[h * q + j]
        expected.append([logit])
    np.testing.assert_allclose(layer([X, Y]), expected, rtol=1e-4, atol=1e-4)


def test_the_products_start_as_one_layer_to_one_logit():
    layer = BilinearFusion(5)
    layer.build([(None, 400), (None, 100)])
    assert layer.kernel.shape == (5, 80, 20)
    assert np.std(layer.kernel) == pytest.approx((2 / 8001) ** 0.5, rel=0.05)


@pytest.mark.parametrize("num_heads", [0, 1.0])
def test_argument_errors(num_heads):
    with pytest.raises(ValueError, match=r"must be an integer >= 1. Received: num_heads="):
        BilinearFusion(num_heads)


@pytest.mark.parametrize(
    "shapes",
    [[(3, 6), (3, 6)], [(3, 8)] * 3, [(3, 8)], [(3, 4, 4), (3, 4, 4)], [(3, None), (3, 4)]],
)
def test_shape_errors(shapes):
    with pytest.raises(ValueError, match=r"two streams.* Received: num_heads=4, shapes \[\(3, "):
        BilinearFusion(4).build(shapes)
