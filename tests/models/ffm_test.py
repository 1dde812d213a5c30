import keras
import numpy as np
import pytest

from aim_keras.models import FFM
from tests.models.by_formula import assert_equals_formula, penalty_of_ones, with_random_weights

SIZES = {"a": 5, "b": 4, "c": 3, "d": 2}
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
    assert_equals_formula(FFM(SIZES, DIM), formula, atol=1e-5)


def test_every_stored_weight_is_read():
    model = with_random_weights(FFM(SIZES, DIM))
    assert model.count_params() == 14 * (3 * DIM + 1) + 1
    before = model(np.zeros((1, 4), "int32")).numpy()
    table = model.weights[0].numpy()
    for column in range(table.shape[1]):
        changed = table.copy()
        changed[0, column] += 1
        model.set_weights([changed, model.get_weights()[1]])
        assert np.all(model(np.zeros((1, 4), "int32")) != before)


def test_regularizer():
    model = FFM(SIZES, DIM, embedding_regularizer=keras.regularizers.L2(0.1))
    assert penalty_of_ones(model) == pytest.approx(0.1 * 14 * (3 * DIM + 1), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"at least two fields. Received: .*\{'a': 5\}"):
        FFM({"a": 5})
