import math

import numpy as np
import pytest

from aim_keras.models import FiGNN

SIZES = {"a": 5, "b": 4, "c": 3}
DIM = 2
IDS = np.random.default_rng(0).integers(0, list(SIZES.values()), (6, 3)).astype("int32")


def built(**options):
    model = FiGNN(SIZES, DIM, steps=2, **options)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model, {w.path: w.numpy().astype("float64") for w in model.weights}


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


def formula(w, ids, step):
    table = w[f"embedding/table_{DIM}"]
    e = [table[offset + i] for offset, i in zip((0, 5, 9), ids, strict=True)]
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
    return [sum(importance[i] * (h[i] @ w["score/kernel"][:, 0]) for i in range(len(e)))]


@pytest.mark.parametrize(("has_gru", "step"), [(True, gru), (False, lambda w, a, h: a + h)])
def test_equals_its_formula(has_gru, step):
    model, w = built(gru=has_gru)
    assert any("gru" in path for path in w) == has_gru
    expected = [formula(w, ids, step) for ids in IDS]
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_parameters():
    """Those of a step, and what all share: edges, GRU, scores and their importances."""
    fields, dim = 10, 10
    sizes = dict.fromkeys("abcdefghij", 7)
    of_step = 2 * fields * dim**2 + dim
    shared = 2 * dim + dim + fields**2 * dim
    for gru, of_gru in ((True, 6 * dim**2 + 6 * dim), (False, 0)):
        model = FiGNN(sizes, dim, steps=3, gru=gru)
        assert model.count_params() == 70 * dim + 3 * of_step + shared + of_gru


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be an integer >= 1. Received: steps=0"),
        ({"embedding_dim": 0}, "embedding_dim must be an integer >= 1. Received: embedding_dim=0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        FiGNN(SIZES, **options)
