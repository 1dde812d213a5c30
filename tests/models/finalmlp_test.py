import numpy as np
import pytest

from aim_keras.models import FinalMLP
from tests.models.by_formula import SIZES, assert_equals_formula, dense

DIM = 2


def hidden(w, mlp, x):
    return np.maximum(dense(w, f"{mlp}/dense_0", x), 0)


def fused(w, x, y, heads=2):
    logit = x @ w["fusion/linear_0"] + y @ w["fusion/linear_1"] + w["fusion/bias"]
    for x_h, y_h, kernel in zip(
        np.split(x, heads), np.split(y, heads), w["fusion/kernel"], strict=True
    ):
        logit += x_h @ kernel @ y_h
    return logit


def formula(w, rows):
    e = np.concatenate(w[f"embedding/table_{DIM}"][rows])
    return fused(w, hidden(w, "mlp_1", e), hidden(w, "mlp_2", e))


def gate(w, s, context):
    return 2 / (1 + np.exp(-dense(w, f"gate_{s}", hidden(w, f"gate_mlp_{s}", context))))


def gated(w, rows):
    e = np.concatenate(w[f"embedding/table_{DIM}"][rows])
    a, b, c = rows - [0, SIZES["a"], SIZES["a"] + SIZES["b"]]
    first = gate(w, 1, w[f"context_1/table_{DIM}"][b])
    second = gate(w, 2, np.concatenate(w[f"context_2/table_{DIM}"][[c, SIZES["c"] + a]]))
    return fused(w, hidden(w, "mlp_1", first * e), hidden(w, "mlp_2", second * e))


def gated_once(w, rows):
    e = np.concatenate(w[f"embedding/table_{DIM}"][rows])
    second = gate(w, 2, w[f"context_2/table_{DIM}"][rows[1] - SIZES["a"]])
    return fused(w, hidden(w, "mlp_1", e), hidden(w, "mlp_2", second * e))


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [(((), ()), formula), ((["b"], ["c", "a"]), gated), (([], ["b"]), gated_once)],
)
def test_equals_its_formula(contexts, expected):
    model = FinalMLP(SIZES, DIM, ((6,), (4,)), 2, contexts, gate_units=(3,))
    assert_equals_formula(model, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_units": ((4,),)}, "hidden_units must be two sequences"),
        ({"hidden_units": ((4,), ())}, r"of 1 or more. Received: hidden_units=\(\(4,\), \(\)\)"),
        ({"hidden_units": (4, 4)}, r"must be two sequences.* Received: hidden_units=\(4, 4\)"),
        ({"contexts": ("a", "b")}, r"must be two sequences.* Received: contexts=\('a', 'b'\)"),
        ({"contexts": 3}, "must be two sequences.* Received: contexts=3"),
        ({"contexts": (["a"], ["d", "b"])}, r"contexts: fields must be of .* Received: 'd'"),
        ({"contexts": (["a", "a"], [])}, "contexts: nothing may repeat. Received: a"),
        ({"contexts": ([["a"]], [])}, r"contexts: fields must be of .* Received: \['a'\]"),
        ({"num_heads": 3}, "whose widths num_heads divides. Received: num_heads=3"),
        ({"num_heads": 0}, "num_heads must be an integer >= 1. Received: num_heads=0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        FinalMLP(SIZES, **options)
