import itertools

import keras
import numpy as np
import pytest

from aim_keras.models import FwFM
from tests.models.by_formula import SIZES, assert_equals_formula, penalty_of_ones

DIM = 2


def dot(x, y):
    return sum(x[d] * y[d] for d in range(DIM))


def pairs(r, e):
    return sum(
        weight * dot(e[i], e[j])
        for weight, (i, j) in zip(r, itertools.combinations(range(3), 2), strict=True)
    )


def feature_weights(w, rows):
    table, b = w["embedding/table_3"], w["embedding/bias"]
    e = [table[row, :DIM] for row in rows]
    return sum(table[row, DIM] for row in rows) + b[0] + pairs(w["products/pair_weights"], e)


def feature_vectors(w, rows):
    table, b = w["embedding/table_4"], w["products/bias"]
    e = [table[row, :DIM] for row in rows]
    linear = sum(dot(table[row, :DIM], table[row, DIM:]) for row in rows)
    return linear + b[0] + pairs(w["products/pair_weights"], e)


def field_vectors(w, rows):
    table, b = w["embedding/table_2"], w["products/bias"]
    e = [table[row] for row in rows]
    vectors = [w["field_vectors/kernel"][i * DIM : (i + 1) * DIM, 0] for i in range(3)]
    linear = sum(dot(e[i], vectors[i]) for i in range(3))
    return linear + b[0] + pairs(w["products/pair_weights"], e)


@pytest.mark.parametrize("formula", [feature_weights, feature_vectors, field_vectors])
def test_equals_its_formula(formula):
    assert_equals_formula(FwFM(SIZES, DIM, formula.__name__), formula, atol=1e-5)


@pytest.mark.parametrize("linear", ["feature_weights", "feature_vectors", "field_vectors"])
def test_a_mixed_policy_rounds_nothing(linear):
    exact = FwFM(SIZES, DIM, linear)
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = FwFM(SIZES, DIM, linear)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=w.shape) for w in exact.get_weights()]
    ids = rng.integers(0, list(SIZES.values()), (10, 3))
    exact.set_weights(weights), mixed.set_weights(weights)
    np.testing.assert_allclose(mixed(ids), exact(ids), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("linear", "weights"),
    [("feature_weights", 12 * 3), ("feature_vectors", 12 * 4), ("field_vectors", 12 * 2 + 3 * 2)],
)
def test_regularizers(linear, weights):
    l2, pair_l1 = keras.regularizers.L2(0.1), keras.regularizers.L1(0.01)
    model = FwFM(SIZES, DIM, linear, 0.7, pair_l1, embedding_regularizer=l2)
    expected = 0.1 * weights + 0.01 * 3 * 0.7
    assert penalty_of_ones(model, but=("pair_weights",)) == pytest.approx(expected, rel=1e-5)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"linear must be one of .* Received: linear='FeLV'"):
        FwFM(SIZES, linear="FeLV")
    with pytest.raises(ValueError, match="at least two fields"):
        FwFM({"a": 5})
