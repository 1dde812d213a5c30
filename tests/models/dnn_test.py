import keras
import numpy as np
import pytest

from aim_keras.models import DNN, FM
from tests.models.by_formula import SIZES, assert_equals_formula, mlp, penalty_of_ones

DIM = 2


def formula(w, rows):
    return mlp(w, np.concatenate(w["embedding/table_2"][rows]), hidden_layers=2)


def test_equals_its_formula():
    assert_equals_formula(DNN(SIZES, DIM, (5, 4)), formula)


def test_starts_from_the_embeddings_of_an_fm():
    dnn, fm = DNN(SIZES, DIM), FM(SIZES, embedding_dim=DIM)
    dnn.get_layer("embedding").set_embeddings(fm.get_layer("embedding_2").get_embeddings())
    np.testing.assert_array_equal(
        dnn.get_layer("embedding").get_weights()[0],
        fm.get_layer("embedding_2").get_weights()[0][:, :DIM],
    )


def test_regularizer_of_the_tables_alone():
    model = DNN(SIZES, DIM, (8,), embedding_regularizer=keras.regularizers.L2(0.1))
    assert penalty_of_ones(model) == pytest.approx(0.1 * 12 * DIM, rel=1e-6)


def test_argument_errors():
    with pytest.raises(ValueError, match=r"integers >= 1. Received: hidden_units=\(0,\)"):
        DNN(SIZES, hidden_units=(0,))
