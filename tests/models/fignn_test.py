import math

import numpy as np
import pytest

from aim_keras.models import FiGNN
from tests.models.by_formula import SIZES, assert_equals_formula

DIM = 2


def graph(w, e):
    """`{(i, j): weight of the edge from j to i}`."""
    u, v = w["graph/edges"].T
    weights = {}
    for i in range(len(e)):
        scores = {j: u @ e[i] + v @ e[j] for j in range(len(e)) if j != i}
        exponentials = {j: math.exp(s if s > 0 else 0.01 * s) for j, s in scores.items()}
        for j, exponential in exponentials.items():
            weights[i, j] = exponential / sum(exponentials.values())
    return weights


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(w, a, h):
    """Update gate, reset gate, candidate: one third of the columns each."""
    from_a, from_h = (
        np.split(x @ w[f"graph/gru/{kernel}"] + bias, 3)
        for x, kernel, bias in zip(
            (a, h), ("kernel", "recurrent_kernel"), w["graph/gru/bias"], strict=True
        )
    )
    update, reset = (sigmoid(from_a[gate] + from_h[gate]) for gate in (0, 1))
    candidate = np.tanh(from_a[2] + reset * from_h[2])
    return update * h + (1 - update) * candidate


def formula(w, rows, step):
    e = w[f"embedding/table_{DIM}"][rows]
    g, h = graph(w, e), e
    for t in (0, 1):
        following = []
        for i in range(len(e)):
            received = sum(
                g[i, j] * (h[j] @ w[f"graph/out_{t}"][j]) for j in range(len(e)) if j != i
            )
            a = received @ w[f"graph/in_{t}"][i] + w[f"graph/bias_{t}"]
            following.append(step(w, a, h[i]) + e[i])
        h = following
    importance = sigmoid(np.concatenate(h) @ w["importance/kernel"])
    return sum(importance[i] * (h[i] @ w["score/kernel"][:, 0]) for i in range(len(e)))


@pytest.mark.parametrize(("has_gru", "step"), [(True, gru), (False, lambda w, a, h: a + h)])
def test_equals_its_formula(has_gru, step):
    model = FiGNN(SIZES, DIM, steps=2, gru=has_gru)
    assert any("gru" in w.path for w in model.weights) == has_gru
    assert_equals_formula(model, lambda w, rows: formula(w, rows, step))


def test_parameters():
    """Those of a step, and what all share: edges, GRU, scores and their importances."""
    fields, dim = 10, 10
    sizes = dict.fromkeys("abcdefghij", 7)
    of_step = 2 * fields * dim**2 + dim
    shared = 2 * dim + dim + fields**2 * dim
    for gru, of_gru in ((True, 6 * dim**2 + 6 * dim), (False, 0)):
        model = FiGNN(sizes, dim, steps=3, gru=gru)
        assert model.count_params() == 70 * dim + 3 * of_step + shared + of_gru


def test_argument_errors():
    with pytest.raises(ValueError, match=r"steps must be an integer >= 1. Received: steps=0"):
        FiGNN(SIZES, steps=0)
