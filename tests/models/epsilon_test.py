"""The batch norms of every order normalize, however small products of many embeddings are."""

import itertools

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.models import FM, DeepFM

SIZES = {"a": 6, "b": 5, "c": 7, "d": 4}
ORDERS = (2, 3, 4)
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 500) for size in SIZES.values()], axis=1).astype("int32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    everything = [q for order in ORDERS for q in itertools.combinations(SIZES, order)]
    architecture = Architecture(tuple(SIZES), ["inner"], 8, {"inner": everything})
    inputs = ("normalized_products", "scalars")
    return DeepFM(SIZES, architecture, hidden_units=(4,), mlp_inputs=inputs, epsilon=1e-10)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["normalized_products", "interaction"])
def test_products_of_small_embeddings_have_a_variance_near_1(model, name, order):
    layer = model.get_layer(f"{name}_{order}")
    output = layer.output if name == "normalized_products" else layer.output[0]
    values = keras.Model(model.inputs, output)(IDS, training=True)
    gates = 1 if name == "normalized_products" else layer.alpha.numpy()
    np.testing.assert_allclose(np.median(np.std(values / gates, axis=0)), 1, atol=0.05)


def test_epsilon_is_that_of_two_embeddings(model):
    of_gates = [model.get_layer(f"interaction_{order}").batch_norm.epsilon for order in ORDERS]
    np.testing.assert_allclose(of_gates, [1e-10, 1e-15, 1e-20])
    of_products = [model.get_layer(f"normalized_products_{order}").epsilon for order in ORDERS]
    assert of_products == of_gates


def test_options_of_norms_and_gates_reach_them():
    norms = {"epsilon": 0.04, "momentum": 0.8}
    for candidates, decay in ((None, {}), ((2, 4), {"temperature_decay": 0.25})):
        options = {"embedding_dim": 4, "candidate_dimensions": candidates, **norms, **decay}
        gate = FM(SIZES, search="dimensions", **options).get_layer("dimension_gate_2")
        assert gate.get_config().items() >= {**norms, **decay}.items()
    for order, epsilon in ((2, 0.04), (3, 0.008)):
        full = Architecture.full(tuple(SIZES), ("inner",), 4, order)
        model = DeepFM(SIZES, full, mlp_inputs=["normalized_products"], **norms)
        for name in (f"interaction_{order}", f"normalized_products_{order}"):
            layer = model.get_layer(name)
            assert (layer.epsilon, layer.momentum) == (pytest.approx(epsilon), 0.8)
