"""The stages, from a model of all pairs to the re-trained one."""

import functools
import logging

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, FunctionWiseEmbedding, GatedInteraction
from aim_keras.models import FM, DeepFM
from aim_keras.optimizers import GRDA, with_gates
from aim_keras.search import found_architecture, search_architecture

FIELDS = ("a", "b", "c", "d")
SIZES = dict.fromkeys(FIELDS, 6)
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 6, (2000, 4)).astype("int32")
TRUTH = 3 * RNG.normal(size=(6, 6))[IDS[:, 0], IDS[:, 1]]
LABELS = (TRUTH + RNG.logistic(size=2000) > 0).astype("float32")[:, None]


def layer_of(model, cls):
    return next(layer for layer in model.layers if isinstance(layer, cls))


def users_model(architecture, search, built):
    """A model that a user writes with our layers: pairs of fields, a linear term, an MLP."""
    interactions = architecture and architecture.of_order(2)
    functions = list(interactions) if interactions else ["inner", "outer"]
    dimensions = (
        architecture
        and architecture.dimensions
        and [list(architecture.kept_dimensions(2, k).values()) for k in functions]
    )
    ids = keras.Input((4,), dtype="int32")
    e = FunctionWiseEmbedding(SIZES.values(), 3, len(functions), dimensions)(ids)
    if search == "dimensions":
        e = DimensionGate(functions, fields=FIELDS)(e)
    gated = GatedInteraction(functions, interactions, 2, FIELDS, gated=search == "interactions")
    linear = FunctionWiseEmbedding(SIZES.values(), 1)(ids)
    mlp = keras.layers.Dense(1)(keras.layers.Dense(4, "relu")(keras.layers.Flatten()(e)))
    logit = keras.ops.sum(gated(e), 1, keepdims=True) + keras.ops.sum(linear, (1, 2)) + mlp
    model = keras.Model(ids, logit)
    built.append((architecture, search, model, model.get_weights()))
    return model


def fit(model, search, threshold=0.7, epochs=3):
    optimizer = keras.optimizers.Adam(0.03)
    if search:
        gates = GRDA(0.1, mu=0.6, target_threshold=threshold, total_steps=epochs * 20)
        optimizer = with_gates(weights=optimizer, gates=gates)
    model.compile(optimizer, BINARY)
    model.fit(IDS, LABELS, batch_size=100, epochs=epochs, verbose=0)


def test_search_over_a_users_model():
    built = []
    architecture, model = search_architecture(functools.partial(users_model, built=built), fit)
    assert [search for _, search, _, _ in built] == ["interactions", "dimensions", None]
    assert built[0][0] is None
    assert built[-1][0] == architecture
    assert built[-1][2] is model

    assert ("a", "b") in {q for _, q in built[1][0].units(2)}
    assert built[1][0].interaction_ratio(2) < 1
    assert built[1][0].dimensions is None
    assert set(architecture.units(2)) <= set(built[1][0].units(2))
    assert ("a", "b") in {q for _, q in architecture.units(2)}
    assert set(architecture.dimensions) == {2}
    assert layer_of(model, GatedInteraction).units == architecture.units(2)
    parameters = layer_of(model, FunctionWiseEmbedding).count_params()
    assert parameters == architecture.embedding_parameters(SIZES)

    starts = [{w.path: v for w, v in zip(m.weights, v, strict=True)} for _, _, m, v in built]
    for earlier, later in ((0, 1), (1, 2)):
        trained = built[earlier][2].get_weights()
        assert not any(
            a.shape == b.shape and a.size > 6 and np.array_equal(a, b)
            for a in trained
            for b in starts[later].values()
        )


@pytest.mark.parametrize("mlp_inputs", [("embeddings",), ("products",)])
def test_all_gates_pruned(mlp_inputs, caplog):
    caplog.set_level(logging.WARNING)
    stages = []

    def fit_and_prune(model, search):
        stages.append(search)
        fit(model, search, threshold=30.0, epochs=1)

    build_model = functools.partial(
        DeepFM, SIZES, embedding_dim=3, hidden_units=(8,), mlp_inputs=mlp_inputs
    )
    architecture, model = search_architecture(build_model, fit_and_prune)
    assert stages == ["interactions", None]
    assert architecture.orders == ()
    assert "Every interaction was pruned: the model goes on without any." in caplog.text
    before = model.evaluate(IDS, LABELS, verbose=0)
    fit(model, None, epochs=2)
    assert model.evaluate(IDS, LABELS, verbose=0) < before


@pytest.mark.parametrize("search", ["interactions", "dimensions"])
def test_a_search_without_candidates_trains(search):
    model = DeepFM(SIZES, Architecture(FIELDS, ("inner",), 3, {}), search, hidden_units=(8,))
    fit(model, search, epochs=1)
    assert np.isfinite(model.evaluate(IDS, LABELS, verbose=0))
    assert found_architecture(model, model.architecture).orders == ()


def test_orders_end_where_all_fields_are_in_one_interaction():
    built = []

    def build_model(architecture, search):
        built.append((architecture, search))
        return FM({"a": 3, "b": 4}, architecture, search)

    found, _ = search_architecture(build_model, lambda model, search: None, order=3)
    assert [search for _, search in built] == ["interactions", "dimensions", None]
    assert found.orders == (2,)


def test_order_out_of_range():
    with pytest.raises(ValueError, match=r"order must be an integer >= 2. Received: order=1"):
        search_architecture(None, None, order=1)
