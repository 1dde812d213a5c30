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


def gated(w, rows):
    e = np.concatenate(w[f"embedding/table_{DIM}"][rows])
    a, b, c = rows - [0, SIZES["a"], SIZES["a"] + SIZES["b"]]
    of_context = [
        w[f"context_1/table_{DIM}"][b],
        np.concatenate(w[f"context_2/table_{DIM}"][[c, SIZES["c"] + a]]),
    ]
    streams = []
    for s, context in enumerate(of_context, start=1):
        gate = dense(w, f"gate_{s}", hidden(w, f"gate_mlp_{s}", context))
        streams.append(hidden(w, f"mlp_{s}", 2 / (1 + np.exp(-gate)) * e))
    return fused(w, *streams)


@pytest.mark.parametrize(("contexts", "expected"), [(None, formula), ((["b"], ["c", "a"]), gated)])
def test_equals_its_formula(contexts, expected):
    model = FinalMLP(SIZES, DIM, ((6,), (4,)), 2, contexts, gate_units=(3,))
    assert_equals_formula(model, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_units": ((4,),)}, "hidden_units must be two sequences"),
        ({"hidden_units": ((4,), ())}, r"at least one. Received: hidden_units=\(\(4,\), \(\)\)"),
        ({"hidden_units": (4, 4)}, r"must be two sequences.* Received: hidden_units=\(4, 4\)"),
        ({"contexts": ("a", "b")}, r"must be two sequences.* Received: contexts=\('a', 'b'\)"),
        ({"contexts": (["a"], [])}, r"at least one. Received: contexts=\(\['a'\], \[\]\)"),
        ({"contexts": (["a"], ["d", "b"])}, r"contexts must be fields. Received: \['d'\]"),
        ({"num_heads": 3}, "num_heads must divide the widths of two streams"),
        ({"num_heads": 0}, "num_heads must be an integer >= 1. Received: num_heads=0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        FinalMLP(SIZES, **options)
