import numpy as np
import pytest

from aim_keras.models import OPNN
from tests.models.by_formula import SIZES, assert_equals_formula, mlp

DIM = 2


def formula(w, rows):
    """The outer products of all ordered pairs of fields, a field with itself too, summed."""
    e = w[f"embedding/table_{DIM}"][rows]
    products = np.zeros((DIM, DIM))
    for e_i in e:
        for e_j in e:
            for r in range(DIM):
                for s in range(DIM):
                    products[r, s] += e_i[r] * e_j[s]
    return mlp(w, [*e[0], *e[1], *e[2], *products[0], *products[1]])


def test_equals_its_formula():
    assert_equals_formula(OPNN(SIZES, DIM, hidden_units=(7,)), formula)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"norm must be one of .* Received: norm='group'"):
        OPNN(SIZES, mlp_norm="group")
