import itertools
import math

import keras
import numpy as np
import pytest

from aim_keras.models import HOFM
from aim_keras.models.hofm import anova_kernel

SIZES = {"a": 5, "b": 4, "c": 3, "d": 2}
FIRST_ROW = (0, 5, 9, 12)
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
    model = HOFM(SIZES, DIM, order, shared_embedding)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    table, bias = (w.numpy().astype("float64") for w in model.weights)
    assert table.shape == (14, DIM * (1 if shared_embedding else order - 1) + 1)
    ids = rng.integers(0, list(SIZES.values()), (10, 4))
    expected = []
    for rows in ids + FIRST_ROW:
        logit = sum(table[row, -1] for row in rows) + bias[0]
        for m in range(2, order + 1):
            start = 0 if shared_embedding else (m - 2) * DIM
            logit += kernel([table[row, start : start + DIM] for row in rows], m)
        expected.append([logit])
    np.testing.assert_allclose(model(ids), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_a_large_embedding_costs_no_precision(degree):
    e = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    e[:, 2] *= 1e6
    expected = [[kernel(row, degree)] for row in e.astype("float64")]
    np.testing.assert_allclose(anova_kernel(e, degree), expected, rtol=1e-5)


def test_regularizer():
    model = HOFM(SIZES, DIM, embedding_regularizer=keras.regularizers.L2(0.1))
    for w in model.weights:
        w.assign(np.ones(w.shape))
    assert float(sum(model.losses)) == pytest.approx(0.1 * 14 * (2 * DIM + 1), rel=1e-6)


@pytest.mark.parametrize("order", [1, 5])
def test_argument_errors(order):
    message = rf"order must be from 2 to the number of fields, 4. Received: order={order}"
    with pytest.raises(ValueError, match=message):
        HOFM(SIZES, order=order)
