import keras
import numpy as np
import pytest

from aim_keras.models import WideDeep
from tests.models.by_formula import SIZES, assert_equals_formula, mlp, penalty_of_ones

DIM = 2


def formula(w, rows):
    of_rows = w["embedding/table_3"][rows]
    linear = sum(of_rows[:, DIM]) + w["embedding/bias"]
    return linear + mlp(w, np.concatenate(of_rows[:, :DIM]), hidden_layers=2)


def test_equals_its_formula():
    assert_equals_formula(WideDeep(SIZES, DIM, (5, 4)), formula)


def test_regularizer_of_tables_and_linear_weights():
    model = WideDeep(SIZES, DIM, (8,), embedding_regularizer=keras.regularizers.L2(0.1))
    assert penalty_of_ones(model) == pytest.approx(0.1 * 12 * (DIM + 1), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"integers >= 1. Received: hidden_units=\(0,\)"):
        WideDeep(SIZES, hidden_units=(0,))
