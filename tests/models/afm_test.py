import itertools

import keras
import numpy as np
import pytest

from aim_keras.models import AFM

SIZES = {"a": 5, "b": 4, "c": 3}
FIRST_ROW = (0, 5, 9)
DIM, UNITS, TEMPERATURE = 2, 4, 0.5


def formula(w, rows):
    """One example's logit."""
    table = w["embedding/table_3"]
    e = [table[row, :DIM] for row in rows]
    products = [
        [e[i][d] * e[j][d] for d in range(DIM)] for i, j in itertools.combinations(range(3), 2)
    ]
    scores = []
    for product in products:
        hidden = [
            max(
                sum(product[d] * w["attention/hidden/kernel"][d, k] for d in range(DIM))
                + w["attention/hidden/bias"][k],
                0,
            )
            for k in range(UNITS)
        ]
        scores.append(sum(hidden[k] * w["attention/score/kernel"][k, 0] for k in range(UNITS)))
    exponentials = [np.exp(score / TEMPERATURE) for score in scores]
    attention = [x / sum(exponentials) for x in exponentials]
    pooled = [sum(attention[q] * products[q][d] for q in range(3)) for d in range(DIM)]
    linear = sum(table[row, DIM] for row in rows) + w["embedding/bias"][0]
    return linear + sum(pooled[d] * w["projection/kernel"][d, 0] for d in range(DIM))


def test_equals_its_formula():
    model = AFM(SIZES, DIM, UNITS, TEMPERATURE)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w = {weight.path: weight.numpy().astype("float64") for weight in model.weights}
    ids = rng.integers(0, list(SIZES.values()), (10, 3))
    expected = [[formula(w, np.add(row, FIRST_ROW))] for row in ids]
    np.testing.assert_allclose(model(ids), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dropout", ["attention_dropout", "pooling_dropout"])
def test_dropouts_are_in_training_alone(dropout):
    model = AFM(SIZES, DIM, **{dropout: 0.5}, embedding_initializer="ones")
    ids = np.zeros((50, 3), "int32")
    assert len(np.unique(model(ids))) == 1
    assert len(np.unique(model(ids, training=True))) > 1


def test_regularizers():
    l2 = keras.regularizers.L2(0.1)
    model = AFM(SIZES, DIM, UNITS, attention_regularizer=l2, embedding_regularizer=l2)
    for w in model.weights:
        w.assign(np.ones(w.shape))
    assert float(sum(model.losses)) == pytest.approx(0.1 * (12 * 3 + DIM * UNITS), rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"temperature must be above 0. Received: temperature=-1"):
        AFM(SIZES, temperature=-1)
    with pytest.raises(ValueError, match="at least one vector"):
        AFM({"a": 5})
