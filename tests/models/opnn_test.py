import numpy as np
import pytest

from aim_keras.models import OPNN

SIZES = {"a": 5, "b": 4, "c": 3}
DIM = 2
IDS = np.random.default_rng(0).integers(0, list(SIZES.values()), (6, 3)).astype("int32")


def formula(w, ids):
    """The outer products of all ordered pairs of fields, a field with itself too, summed."""
    table = w[f"embedding/table_{DIM}"]
    e = [table[offset + i] for offset, i in zip((0, 5, 9), ids, strict=True)]
    products = np.zeros((DIM, DIM))
    for e_i in e:
        for e_j in e:
            for r in range(DIM):
                for s in range(DIM):
                    products[r, s] += e_i[r] * e_j[s]
    x = [*e[0], *e[1], *e[2], *products[0], *products[1]]
    hidden = np.maximum(x @ w["mlp/dense_0/kernel"] + w["mlp/dense_0/bias"], 0)
    return hidden @ w["mlp/logit/kernel"] + w["mlp/logit/bias"]


def test_equals_its_formula():
    model = OPNN(SIZES, DIM, hidden_units=(7,))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w = {w.path: w.numpy().astype("float64") for w in model.weights}
    np.testing.assert_allclose(model(IDS), [formula(w, ids) for ids in IDS], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding_dim": 0}, "embedding_dim must be an integer >= 1. Received: embedding_dim=0"),
        ({"mlp_norm": "group"}, "norm must be one of .* Received: norm='group'"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        OPNN(SIZES, **options)
