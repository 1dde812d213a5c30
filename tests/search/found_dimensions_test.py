"""What `read_gates` makes of several dimension gates in one model."""

import keras
import numpy as np
import pytest

from aim_keras.layers import DimensionGate, FunctionWiseEmbedding, GatedInteraction
from aim_keras.search import read_gates
from tests.search.found_test import FIELDS, SIZES, gates_of


def gates_by_function(*orders, order=2):
    """A model with an embedding, a dimension gate and a term of each function."""
    ids = keras.Input((4,), dtype="int32")
    terms = []
    for function, of_gate in zip(("inner", "outer"), orders, strict=True):
        e = FunctionWiseEmbedding(SIZES.values(), 3)(ids)
        e = DimensionGate([function], of_gate, FIELDS)(e)
        terms.append(GatedInteraction([function], None, order, FIELDS, gated=False)(e))
    return keras.Model(ids, keras.layers.Concatenate()(terms))


def test_read_gates_of_a_dimension_gate_for_each_function():
    model = gates_by_function((2,), (2,))
    first, second = gates_of(model, DimensionGate)
    first.beta.assign(np.tile([0.0, 1.0, 0.0], (1, 4, 1)))
    second.beta.assign(np.zeros((1, 4, 3)))
    expected = {"inner": dict.fromkeys(FIELDS, (1,)), "outer": dict.fromkeys(FIELDS, ())}
    assert read_gates(model).dimensions == {2: expected}


def test_read_gates_of_two_dimension_gates_for_a_function():
    e = keras.Input((1, 4, 3))
    gated = DimensionGate(fields=FIELDS)(DimensionGate(fields=FIELDS)(e))
    model = keras.Model(e, GatedInteraction(fields=FIELDS)(gated))
    with pytest.raises(ValueError, match=r"one DimensionGate of an order.*functions \['inner'\]"):
        read_gates(model)


def test_read_gates_of_a_dimension_gate_of_another_order():
    with pytest.raises(ValueError, match=r"orders of interactions, \[3\].*orders=\(2,\)"):
        read_gates(gates_by_function((2,), (2,), order=3))
