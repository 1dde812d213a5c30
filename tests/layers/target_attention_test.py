import numpy as np
import pytest

from aim_keras.layers import TargetAttention

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=(4, 3)).astype("float32")
PLACES = RNG.normal(size=(4, 5, 3)).astype("float32")
USED = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0]], bool)


def built(hidden_units):
    layer = TargetAttention(hidden_units)
    layer.build([TARGET.shape, PLACES.shape, USED.shape])
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("hidden_units", [(), (7,), (7, 2)])
def test_equals_the_definition(hidden_units):
    layer = built(hidden_units)
    weights = layer.get_weights()
    expected = np.zeros((4, 3))
    for row in range(4):
        for place in range(5):
            if not USED[row, place]:
                continue
            q, k = TARGET[row].astype("float64"), PLACES[row, place].astype("float64")
            a = np.concatenate([q, k, q - k, q * k])
            for i in range(len(hidden_units)):
                a = np.maximum(a @ weights[2 * i] + weights[2 * i + 1], 0)
            expected[row] += (a @ weights[-2] + weights[-1]) * k
    np.testing.assert_allclose(layer([TARGET, PLACES, USED]), expected, rtol=1e-4, atol=1e-4)


def test_an_unused_place_is_not_read():
    layer = built((7,))
    other = np.where(USED[..., None], PLACES, 1e3).astype("float32")
    np.testing.assert_array_equal(layer([TARGET, other, USED]), layer([TARGET, PLACES, USED]))


@pytest.mark.parametrize(
    "shapes",
    [
        [(4, 3), (4, 5, 2), (4, 5)],
        [(4, 3), (4, 5, 3), (4, 6)],
        [(4, 3), (4, 3), (4, 3)],
        [(4, 3), (4, 5, 3)],
        [(4, None), (4, 5, None), (4, 5)],
    ],
)
def test_shape_errors(shapes):
    with pytest.raises(ValueError, match=r"a target, a list and .* Received: shapes \[\(4, "):
        TargetAttention().build(shapes)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"hidden_units must be integers >= 1"):
        TargetAttention([0])
    with pytest.raises(ValueError, match="dropout must be in"):
        TargetAttention(dropout=1.0)
