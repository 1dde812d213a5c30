import itertools

import numpy as np
import pytest

from aim_keras.models import PIN
from tests.models.by_formula import SIZES, assert_equals_formula, mlp

DIM = 2


def formula(w, rows, depth):
    e = w[f"embedding/table_{DIM}"][rows]
    outputs = []
    for pair, (e_i, e_j) in enumerate(itertools.combinations(e, 2)):
        x = np.array([*e_i, *e_j, *(a * b for a, b in zip(e_i, e_j, strict=True))])
        for layer in range(depth):
            if layer > 0:
                x = np.maximum(x, 0)
            x = x @ w[f"pairs/kernel_{layer}"][pair] + w[f"pairs/bias_{layer}"][pair, 0]
        outputs += [*x]
    return mlp(w, outputs)


@pytest.mark.parametrize("pair_units", [(4,), (4, 3), (4, 3, 2)])
def test_equals_its_formula(pair_units):
    model = PIN(SIZES, DIM, pair_units, hidden_units=(7,))
    assert_equals_formula(model, lambda w, rows: formula(w, rows, len(pair_units)))


def test_each_pairs_network_starts_as_glorots():
    kernel = PIN({"a": 5, "b": 4, "c": 3, "d": 2}, 10, (40, 5)).get_layer("pairs").of_layer[0][0]
    assert kernel.shape == (6, 30, 40)
    assert np.abs(kernel).max() == pytest.approx(np.sqrt(6 / 70), rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pair_units": ()}, r"units must hold at least one. Received: units=\(\)"),
        ({"pair_units": (4, 0)}, r"integers >= 1. Received: units=\(4, 0\)"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        PIN(SIZES, **options)


def test_one_field_has_no_pair():
    with pytest.raises(ValueError, match=r"at least 2 fields. Received: shape \(None, 1, 10\)"):
        PIN({"a": 5})
