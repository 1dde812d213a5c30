import itertools
import math

import keras
import numpy as np
import pytest

from aim_keras.models import HOFM
from aim_keras.models.hofm import anova_kernel
from tests.models.by_formula import assert_equals_formula, penalty_of_ones

SIZES = {"a": 5, "b": 4, "c": 3, "d": 2}
DIM = 2


def kernel(e, degree):
    """The ANOVA kernel of one example."""
    return sum(
        math.prod(e[i][d] for i in interaction)
        for interaction in itertools.combinations(range(len(e)), degree)
        for d in range(len(e[0]))
    )


@pytest.mark.parametrize("shared_embedding", [False, True])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_equals_its_formula(order, shared_embedding):
    def formula(w, rows):
        num_embeddings = 1 if shared_embedding else order - 1
        of_rows = w[f"embedding/table_{num_embeddings * DIM + 1}"][rows]
        logit = sum(of_rows[:, -1]) + w["embedding/bias"]
        for m in range(2, order + 1):
            start = 0 if shared_embedding else (m - 2) * DIM
            logit += kernel(of_rows[:, start : start + DIM], m)
        return logit

    assert_equals_formula(HOFM(SIZES, DIM, order, shared_embedding), formula, atol=1e-5)


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_a_large_embedding_costs_no_precision(degree):
    e = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    e[:, 2] *= 1e6
    expected = [[kernel(row, degree)] for row in e.astype("float64")]
    np.testing.assert_allclose(anova_kernel(e, degree), expected, rtol=1e-5)


def test_regularizer():
    model = HOFM(SIZES, DIM, embedding_regularizer=keras.regularizers.L2(0.1))
    assert penalty_of_ones(model) == pytest.approx(0.1 * 14 * (2 * DIM + 1), rel=1e-6)


@pytest.mark.parametrize("order", [1, 5, 3.0])
def test_argument_errors(order):
    message = rf"order must be from 2 to the number of fields, 4. Received: order={order}"
    with pytest.raises(ValueError, match=message):
        HOFM(SIZES, order=order)
