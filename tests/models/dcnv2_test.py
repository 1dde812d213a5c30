import numpy as np
import pytest

from aim_keras.models import DCNv2
from tests.models.by_formula import SIZES, assert_equals_formula, dense, mlp

DIM = 2


def crossed(w, rows, layers=2):
    e = x = np.concatenate(w[f"embedding/table_{DIM}"][rows])
    for layer in range(layers):
        x = e * (x @ w[f"cross/kernel_{layer}"] + w[f"cross/bias_{layer}"]) + x
    return e, x


def parallel(w, rows):
    e, x = crossed(w, rows)
    return x @ w["cross_logit/kernel"] + mlp(w, e)


def stacked(w, rows):
    return mlp(w, crossed(w, rows)[1])


def cross_alone(w, rows):
    return dense(w, "mlp/logit", crossed(w, rows)[1])


@pytest.mark.parametrize(
    ("options", "formula"),
    [
        ({"hidden_units": (7,)}, parallel),
        ({"hidden_units": (7,), "stacked": True}, stacked),
        ({"hidden_units": (), "stacked": True}, cross_alone),
    ],
)
def test_equals_its_formula(options, formula):
    assert_equals_formula(DCNv2(SIZES, DIM, cross_layers=2, **options), formula)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cross_layers": 0}, "cross_layers must be an integer >= 1. Received: cross_layers=0"),
        ({"rank": 0}, "rank must be an integer >= 1. Received: rank=0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        DCNv2(SIZES, **options)
