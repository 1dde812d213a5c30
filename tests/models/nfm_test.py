import itertools

import keras
import numpy as np
import pytest

from aim_keras.models import NFM
from tests.models.by_formula import SIZES, assert_equals_formula, mlp, penalty_of_ones

DIM = 2


def formula(w, rows, normalize_pooled):
    """One example's logit."""
    table = w["embedding/table_3"]
    e = [table[row, :DIM] for row in rows]
    a = [sum(e[i][d] * e[j][d] for i, j in itertools.combinations(range(3), 2)) for d in range(DIM)]
    if normalize_pooled:
        mean, variance, gamma, beta = (
            w[f"norm/{name}"] for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        a = [
            gamma[d] * (a[d] - mean[d]) / np.sqrt(variance[d] + 1e-5) + beta[d] for d in range(DIM)
        ]
    linear = sum(table[row, DIM] for row in rows) + w["embedding/bias"]
    return linear + mlp(w, a, hidden_layers=2)


@pytest.mark.parametrize("normalize_pooled", [False, True])
def test_equals_its_formula(normalize_pooled):
    model = NFM(SIZES, DIM, (5, 4), normalize_pooled=normalize_pooled)
    assert_equals_formula(model, lambda w, rows: formula(w, rows, normalize_pooled))


def test_regularizer_of_tables_alone():
    model = NFM(SIZES, DIM, (8,), embedding_regularizer=keras.regularizers.L2(0.1))
    assert penalty_of_ones(model) == pytest.approx(0.1 * 12 * (DIM + 1), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"norm must be one of none, .* Received: norm='group'"):
        NFM(SIZES, mlp_norm="group")
    with pytest.raises(
        ValueError, match=r"^pooling_dropout must be in \[0, 1\). Received: pooling_dropout=1"
    ):
        NFM(SIZES, pooling_dropout=1)
