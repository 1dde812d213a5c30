import keras
import numpy as np
import pytest

from aim_keras.layers import Linear

SIZES = [4, 2, 5]
IDS = np.array([[3, 1, 4], [0, 0, 0], [9, -1, 2]], "int32")
KNOWN = np.array([[3, 1, 4], [0, 0, 0], [0, 0, 2]])


def test_equals_the_definition():
    layer = Linear(SIZES, initializer="normal")
    layer.build(IDS.shape)
    layer.bias.assign([0.5])
    w = layer.weights_by_feature.get_weights()[0][:, 0]
    expected = [[w[a] + w[4 + b] + w[6 + c] + 0.5] for a, b, c in KNOWN]
    np.testing.assert_allclose(layer(IDS), expected, rtol=1e-6)


@pytest.mark.parametrize("arguments", [[], [None]])
def test_starts_at_zero(arguments):
    layer = Linear(SIZES, *arguments)
    np.testing.assert_array_equal(layer(IDS), np.zeros((3, 1)))
    assert layer.count_params() == sum(SIZES) + 1


def test_regularizer_leaves_out_the_bias():
    layer = Linear(SIZES, "ones", keras.regularizers.L1(0.1))
    layer.build(IDS.shape)
    layer.bias.assign([7.0])
    assert float(sum(layer.losses)) == pytest.approx(0.1 * sum(SIZES), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"vocabulary_sizes\[1\]: .* >= 1. Received: size=0"):
        Linear([2, 0])
    with pytest.raises(ValueError, match=r"ids of shape \(batch, 3\)"):
        Linear(SIZES)(IDS[:, :2])
