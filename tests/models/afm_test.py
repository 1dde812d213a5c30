import itertools

import keras
import numpy as np
import pytest

from aim_keras.models import AFM
from tests.models.by_formula import SIZES, assert_equals_formula, penalty_of_ones

DIM, UNITS, TEMPERATURE = 2, 4, 0.5


def formula(w, rows):
    """One example's logit."""
    table = w["embedding/table_3"]
    e = [table[row, :DIM] for row in rows]
    products = [
        [e[i][d] * e[j][d] for d in range(DIM)] for i, j in itertools.combinations(range(3), 2)
    ]
    scores = []
    for product in products:
        hidden = [
            max(
                sum(product[d] * w["attention/hidden/kernel"][d, k] for d in range(DIM))
                + w["attention/hidden/bias"][k],
                0,
            )
            for k in range(UNITS)
        ]
        scores.append(sum(hidden[k] * w["attention/score/kernel"][k, 0] for k in range(UNITS)))
    exponentials = [np.exp(score / TEMPERATURE) for score in scores]
    attention = [x / sum(exponentials) for x in exponentials]
    pooled = [sum(attention[q] * products[q][d] for q in range(3)) for d in range(DIM)]
    linear = sum(table[row, DIM] for row in rows) + w["embedding/bias"][0]
    return linear + sum(pooled[d] * w["projection/kernel"][d, 0] for d in range(DIM))


def test_equals_its_formula():
    assert_equals_formula(AFM(SIZES, DIM, UNITS, TEMPERATURE), formula, atol=1e-5)


def test_regularizers():
    l2 = keras.regularizers.L2(0.1)
    model = AFM(SIZES, DIM, UNITS, attention_regularizer=l2, embedding_regularizer=l2)
    assert penalty_of_ones(model) == pytest.approx(0.1 * (12 * 3 + DIM * UNITS), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"temperature must be above 0. Received: temperature=-1"):
        AFM(SIZES, temperature=-1)
    with pytest.raises(ValueError, match=r"^pooling_dropout must be in \[0, 1\). Received"):
        AFM(SIZES, pooling_dropout=1)
    with pytest.raises(ValueError, match="at least one vector"):
        AFM({"a": 5})
