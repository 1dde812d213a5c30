import keras
import numpy as np
import pytest

from aim_keras.models import FFM

SIZES = {"a": 5, "b": 4, "c": 3, "d": 2}
FIRST_ROW = (0, 5, 9, 12)
DIM = 2


def formula(w, rows):
    """One example's logit."""
    table = w[f"embedding/table_{3 * DIM + 1}"]

    def v(i, j):
        """The embedding of field `i`'s feature for field `j`, the k-th of its other fields."""
        k = [other for other in range(4) if other != i].index(j)
        return table[rows[i], k * DIM : (k + 1) * DIM]

    logit = sum(table[row, 3 * DIM] for row in rows) + w["embedding/bias"][0]
    for i in range(4):
        for j in range(i + 1, 4):
            logit += sum(v(i, j)[d] * v(j, i)[d] for d in range(DIM))
    return logit


def test_equals_its_formula():
    model = FFM(SIZES, DIM)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w = {weight.path: weight.numpy().astype("float64") for weight in model.weights}
    ids = rng.integers(0, list(SIZES.values()), (10, 4))
    expected = [[formula(w, np.add(row, FIRST_ROW))] for row in ids]
    np.testing.assert_allclose(model(ids), expected, rtol=1e-4, atol=1e-5)


def test_every_stored_weight_is_read():
    model = FFM(SIZES, DIM)
    assert model.count_params() == 14 * (3 * DIM + 1) + 1
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    before = model(np.zeros((1, 4), "int32")).numpy()
    table = model.weights[0].numpy()
    for column in range(table.shape[1]):
        changed = table.copy()
        changed[0, column] += 1
        model.set_weights([changed, model.get_weights()[1]])
        assert np.all(model(np.zeros((1, 4), "int32")) != before)


def test_regularizer():
    model = FFM(SIZES, DIM, embedding_regularizer=keras.regularizers.L2(0.1))
    for w in model.weights:
        w.assign(np.ones(w.shape))
    assert float(sum(model.losses)) == pytest.approx(0.1 * 14 * (3 * DIM + 1), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"at least two fields. Received: .*\{'a': 5\}"):
        FFM({"a": 5})
