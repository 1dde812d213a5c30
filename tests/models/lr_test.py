from aim_keras.models import LR
from tests.models.by_formula import SIZES, assert_equals_formula


def formula(w, rows):
    return sum(w["linear/weights/table_1"][rows, 0]) + w["linear/bias"]


def test_equals_its_formula():
    assert_equals_formula(LR(SIZES), formula, rtol=1e-5, atol=0)
