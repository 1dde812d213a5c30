import keras
import numpy as np
import pytest

from aim_keras.models import DNN, FM

SIZES = {"a": 5, "b": 4, "c": 3}
FIRST_ROW = (0, 5, 9)
DIM = 2


def mlp(w, a):
    """The MLP's logit of one example."""
    for layer in ("dense_0", "dense_1", "logit"):
        kernel, bias = w[f"mlp/{layer}/kernel"], w[f"mlp/{layer}/bias"]
        inputs, units = kernel.shape
        a = [sum(a[i] * kernel[i, k] for i in range(inputs)) + bias[k] for k in range(units)]
        if layer != "logit":
            a = [max(unit, 0) for unit in a]
    return a[0]


def test_equals_its_formula():
    model = DNN(SIZES, DIM, (5, 4))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w = {weight.path: weight.numpy().astype("float64") for weight in model.weights}
    ids = rng.integers(0, list(SIZES.values()), (10, 3))
    expected = [
        [mlp(w, [x for row in rows for x in w["embedding/table_2"][row]])]
        for rows in ids + FIRST_ROW
    ]
    np.testing.assert_allclose(model(ids), expected, rtol=1e-4, atol=1e-4)


def test_starts_from_the_embeddings_of_an_fm():
    dnn, fm = DNN(SIZES, DIM), FM(SIZES, embedding_dim=DIM)
    dnn.get_layer("embedding").set_embeddings(fm.get_layer("embedding_2").get_embeddings())
    np.testing.assert_array_equal(
        dnn.get_layer("embedding").get_weights()[0],
        fm.get_layer("embedding_2").get_weights()[0][:, :DIM],
    )


@pytest.mark.parametrize("dropout", ["dropout", "input_dropout"])
def test_dropouts_are_in_training_alone(dropout):
    model = DNN(SIZES, DIM, (8,), **{dropout: 0.5}, embedding_initializer="ones")
    ids = np.zeros((50, 3), "int32")
    assert len(np.unique(model(ids))) == 1
    assert len(np.unique(model(ids, training=True))) > 1


def test_regularizer_of_the_tables_alone():
    model = DNN(SIZES, DIM, (8,), embedding_regularizer=keras.regularizers.L2(0.1))
    for w in model.weights:
        w.assign(np.ones(w.shape))
    assert float(sum(model.losses)) == pytest.approx(0.1 * 12 * DIM, rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"integers >= 1. Received: hidden_units=\(0,\)"):
        DNN(SIZES, hidden_units=(0,))
