import itertools

import keras
import numpy as np
import pytest

from aim_keras.models import NFM

SIZES = {"a": 5, "b": 4, "c": 3}
FIRST_ROW = (0, 5, 9)
DIM = 2


def formula(w, rows, normalize_pooled):
    """One example's logit."""
    table = w["embedding/table_3"]
    e = [table[row, :DIM] for row in rows]
    a = [sum(e[i][d] * e[j][d] for i, j in itertools.combinations(range(3), 2)) for d in range(DIM)]
    if normalize_pooled:
        mean, variance, gamma, beta = (
            w[f"norm/{name}"] for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        a = [
            gamma[d] * (a[d] - mean[d]) / np.sqrt(variance[d] + 1e-5) + beta[d] for d in range(DIM)
        ]
    for layer in ("dense_0", "dense_1", "logit"):
        kernel, bias = w[f"mlp/{layer}/kernel"], w[f"mlp/{layer}/bias"]
        a = [
            sum(a[i] * kernel[i, k] for i in range(len(a))) + bias[k]
            for k in range(kernel.shape[1])
        ]
        if layer != "logit":
            a = [max(unit, 0) for unit in a]
    return sum(table[row, DIM] for row in rows) + w["embedding/bias"][0] + a[0]


@pytest.mark.parametrize("normalize_pooled", [False, True])
def test_equals_its_formula(normalize_pooled):
    model = NFM(SIZES, DIM, (5, 4), normalize_pooled=normalize_pooled)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    for w in model.weights:
        if w.name == "moving_variance":
            w.assign(rng.uniform(0.5, 2, w.shape))
    w = {weight.path: weight.numpy().astype("float64") for weight in model.weights}
    ids = rng.integers(0, list(SIZES.values()), (10, 3))
    expected = [[formula(w, np.add(row, FIRST_ROW), normalize_pooled)] for row in ids]
    np.testing.assert_allclose(model(ids), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dropout", ["dropout", "pooling_dropout"])
def test_dropouts_are_in_training_alone(dropout):
    model = NFM(SIZES, DIM, (8,), **{dropout: 0.5}, embedding_initializer="ones")
    ids = np.zeros((50, 3), "int32")
    assert len(np.unique(model(ids))) == 1
    assert len(np.unique(model(ids, training=True))) > 1


def test_regularizer_of_tables_alone():
    model = NFM(SIZES, DIM, (8,), embedding_regularizer=keras.regularizers.L2(0.1))
    for w in model.weights:
        w.assign(np.ones(w.shape))
    assert float(sum(model.losses)) == pytest.approx(0.1 * 12 * (DIM + 1), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"norm must be one of none, .* Received: norm='group'"):
        NFM(SIZES, mlp_norm="group")
    with pytest.raises(
        ValueError, match=r"^pooling_dropout must be in \[0, 1\). Received: pooling_dropout=1"
    ):
        NFM(SIZES, pooling_dropout=1)
