import itertools

import numpy as np
import pytest

from aim_keras.models import PIN

SIZES = {"a": 5, "b": 4, "c": 3}
DIM = 2
IDS = np.random.default_rng(0).integers(0, list(SIZES.values()), (6, 3)).astype("int32")


def formula(w, ids, depth):
    table = w[f"embedding/table_{DIM}"]
    e = [table[offset + i] for offset, i in zip((0, 5, 9), ids, strict=True)]
    outputs = []
    for pair, (e_i, e_j) in enumerate(itertools.combinations(e, 2)):
        x = np.array([*e_i, *e_j, *(a * b for a, b in zip(e_i, e_j, strict=True))])
        for layer in range(depth):
            if layer > 0:
                x = np.maximum(x, 0)
            x = x @ w[f"pairs/kernel_{layer}"][pair] + w[f"pairs/bias_{layer}"][pair, 0]
        outputs += [*x]
    hidden = np.maximum(outputs @ w["mlp/dense_0/kernel"] + w["mlp/dense_0/bias"], 0)
    return hidden @ w["mlp/logit/kernel"] + w["mlp/logit/bias"]


@pytest.mark.parametrize("pair_units", [(4,), (4, 3), (4, 3, 2)])
def test_equals_its_formula(pair_units):
    model = PIN(SIZES, DIM, pair_units, hidden_units=(7,))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w = {w.path: w.numpy().astype("float64") for w in model.weights}
    expected = [formula(w, ids, len(pair_units)) for ids in IDS]
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_each_pairs_network_starts_as_glorots():
    kernel = PIN({"a": 5, "b": 4, "c": 3, "d": 2}, 10, (40, 5)).get_layer("pairs").of_layer[0][0]
    assert kernel.shape == (6, 30, 40)
    assert np.abs(kernel).max() == pytest.approx(np.sqrt(6 / 70), rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pair_units": ()}, r"units must hold at least one. Received: units=\(\)"),
        ({"pair_units": (4, 0)}, r"integers >= 1. Received: units=\(4, 0\)"),
        ({"embedding_dim": 0}, "embedding_dim must be an integer >= 1. Received: embedding_dim=0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        PIN(SIZES, **options)


def test_one_field_has_no_pair():
    with pytest.raises(ValueError, match=r"at least 2 fields. Received: shape \(None, 1, 10\)"):
        PIN({"a": 5})
