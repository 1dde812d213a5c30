import dataclasses
import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras import Architecture, drop_dead, read_gates, search_architecture
from aim_keras.export import export_saved_model
from aim_keras.layers import GatedInteraction, InteractionFunction, register_interaction_function
from aim_keras.layers.interaction_functions import FUNCTIONS
from aim_keras.models import FM, DeepFM
from aim_keras.optimizers import GRDA, with_gates
from aim_keras.search import warm_start
from tests.layers.own_functions import OWN, SMALLEST, SPREAD

SIZES = {"a": 6, "b": 5, "c": 4, "d": 3}
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 64) for size in SIZES.values()], axis=1).astype("int32")
LABELS = RNG.integers(0, 2, (64, 1)).astype("float32")
FOUND = Architecture(
    tuple(SIZES),
    ("inner", *OWN),
    4,
    {"inner": [("a", "b")], "smallest": [("a", "c"), ("a", "b", "d")], "spread": [("b", "d")]},
    {
        2: {k: {"a": (0, 1), "b": (1, 2), "c": (2, 3), "d": (0, 1, 2, 3)} for k in ("inner", *OWN)},
        3: {"smallest": {"a": (0, 3), "b": (1,), "c": (), "d": ()}},
    },
)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_values_are_those_of_the_definition(order):
    layer = GatedInteraction(OWN, order=order, gated=False, return_products=True)
    x = RNG.normal(size=(3, 4, 5)).astype("float32")
    values, products = layer(x)
    interactions = list(itertools.combinations(range(4), order))
    smallest = [x[:, q].min(axis=1) for q in interactions]
    lengths = np.square(x).sum(axis=2)
    spread = [
        w * np.stack([np.ptp(lengths[:, q], axis=1), lengths[:, q].sum(axis=1)], axis=1)
        for w, q in zip(layer.kernels[1].numpy(), interactions, strict=True)
    ]
    expected = np.stack([p.sum(axis=1) for p in [*smallest, *spread]], axis=1)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(products, np.hstack([*smallest, *spread]), rtol=1e-5, atol=1e-5)


def fit(model, search):
    optimizer = keras.optimizers.Adam(0.01)
    if search:
        optimizer = with_gates(optimizer, GRDA(0.1, mu=0.6, target_threshold=0.4, total_steps=8))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, run_eagerly=True)  # eight steps are not worth a graph
    model.fit(IDS, LABELS, batch_size=16, epochs=2, verbose=0)


def test_searched_saved_and_exported(tmp_path):
    def build_model(architecture, search):
        return DeepFM(SIZES, architecture, search, (4,), functions=("inner", *OWN), embedding_dim=4)

    architecture, model = search_architecture(build_model, fit, order=3)
    assert set(OWN) <= set(architecture.interactions)
    assert read_gates(model).interactions == architecture.interactions
    architecture.save(tmp_path / "architecture.json")
    assert Architecture.load(tmp_path / "architecture.json") == architecture
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    path = export_saved_model(model, SIZES, tmp_path / "saved_model", IDS)
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    ctr = serve(**{field: tf.constant(IDS[:, i]) for i, field in enumerate(SIZES)})["ctr"]
    np.testing.assert_allclose(ctr, tf.sigmoid(model(IDS)), atol=1e-6)


@pytest.mark.parametrize(
    ("cls", "options"),
    [(FM, {}), (DeepFM, {"mlp_inputs": ("products", "scalars"), "hidden_units": (4,)})],
    ids=["fm", "aim"],
)
def test_pruned_dimensions_are_zeros(cls, options):
    """A compact model, warm-started, gives what the searched one gives with closed gates."""
    searched = cls(SIZES, FOUND, "dimensions", **options)
    for layer in searched.layers:
        if layer.name.startswith("dimension_gate"):
            (of_order,) = layer.orders
            kept = [FOUND.kept_dimensions(of_order, k) for k in layer.functions]
            fields = [{j for k in kept for j in k[field]} for field in SIZES]
            beta = [[float(j in of_field) for j in range(4)] for of_field in fields]
            layer.beta.assign(np.array(beta).reshape(layer.beta.shape))
    compact = cls(SIZES, FOUND, None, gated=False, **options)
    warm_start(compact, searched)
    np.testing.assert_allclose(compact(IDS), searched(IDS), rtol=1e-4, atol=1e-5)


def test_only_what_live_products_says_is_dead():
    assert drop_dead(FOUND)[1] == []
    functions = (*FOUND.functions, "at_all")
    kept = FOUND.dimensions[2]["inner"] | {"c": ()}
    found = dataclasses.replace(
        FOUND,
        functions=functions,
        interactions={k: [("a", "c")] for k in ("at_all", *OWN)},
        dimensions={2: dict.fromkeys(functions, kept)},
    )
    register_interaction_function(
        dataclasses.replace(
            SMALLEST, name="at_all", live_products=lambda kept: kept[0] if all(kept) else []
        )
    )
    assert drop_dead(found)[1] == [("at_all", ("a", "c"))]
    del FUNCTIONS["at_all"]


def test_a_saved_layer_needs_its_function_registered():
    config = keras.saving.serialize_keras_object(GatedInteraction(OWN, fields=SIZES))
    config = json.loads(json.dumps(config).replace("smallest", "unheard_of"))
    with pytest.raises(TypeError, match=r"register_interaction_function.*'unheard_of'"):
        keras.saving.deserialize_keras_object(config)


def test_registered_again_it_is_the_new_one():
    x = np.ones((1, 2, 3), "float32")
    try:
        register_interaction_function(dataclasses.replace(SMALLEST, name="again"))
        before = GatedInteraction(["again"], gated=False)
        doubled = dataclasses.replace(
            SMALLEST, name="again", products=lambda *given: 2 * SMALLEST.products(*given)
        )
        assert register_interaction_function(doubled) is doubled
        assert before(x) == 3
        assert GatedInteraction(["again"], gated=False)(x) == 6
    finally:
        del FUNCTIONS["again"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: InteractionFunction("a b", min), ValueError, "identifier. Received: name='a b'"),
        (lambda: InteractionFunction("a", None), ValueError, "callable. Received: products=None"),
        (
            lambda: InteractionFunction("a", min, kernel_shape=(3,)),
            ValueError,
            r"callable. Received: kernel_shape=\(3,\)",
        ),
        (lambda: register_interaction_function(min), TypeError, "Received: function=<built-in"),
        (
            lambda: register_interaction_function(dataclasses.replace(SPREAD, name="outer")),
            ValueError,
            "must not have the name of a built-in one. Received: 'outer'",
        ),
    ],
)
def test_argument_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_products_of_another_shape():
    summed = dataclasses.replace(SMALLEST, products=lambda *given: SMALLEST.products(*given)[:, 0])
    with pytest.raises(ValueError, match=r"here \(batch, 3, 2\). Received: shape \(5, 2\)"):
        summed.checked_products(np.ones((5, 3, 2)), np.array([[0, 1], [0, 2], [1, 2]]), None)
