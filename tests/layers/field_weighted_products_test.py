import itertools

import keras
import numpy as np
import pytest

from aim_keras.layers import FieldWeightedProducts

E = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")


@pytest.mark.parametrize("use_bias", [True, False])
def test_equals_the_definition(use_bias):
    layer = FieldWeightedProducts(use_bias=use_bias)
    layer.build(E.shape)
    r = np.random.default_rng(1).normal(size=6)
    layer.set_weights([r, np.array([0.5])] if use_bias else [r])
    expected = [
        [
            sum(
                weight * sum(row[i, d] * row[j, d] for d in range(3))
                for weight, (i, j) in zip(r, itertools.combinations(range(4), 2), strict=True)
            )
            + 0.5 * use_bias
        ]
        for row in E.astype("float64")
    ]
    np.testing.assert_allclose(layer(E), expected, rtol=1e-5, atol=1e-5)


def test_starts_at_its_initial_value_with_a_regularizer_of_the_weights_alone():
    layer = FieldWeightedProducts(0.7, keras.regularizers.L1(0.1))
    layer.build(E.shape)
    layer.bias.assign([9.0])
    np.testing.assert_array_equal(layer.pair_weights, np.full(6, 0.7, "float32"))
    assert float(sum(layer.losses)) == pytest.approx(0.1 * 6 * 0.7, rel=1e-6)


@pytest.mark.parametrize("x", [E[:, :1], E[:, 0], keras.Input((None, 5))])
def test_argument_errors(x):
    with pytest.raises(ValueError, match=r"at least two fields. Received: shape \((6|None), "):
        FieldWeightedProducts()(x)
