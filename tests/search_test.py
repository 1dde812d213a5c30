import functools
import logging

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, FunctionWiseEmbedding, GatedInteraction
from aim_keras.models import FM, DeepFM
from aim_keras.optimizers import GRDA, with_gates
from aim_keras.search import drop_dead, found_architecture, read_gates, search_architecture

FIELDS = ("a", "b", "c", "d")
SIZES = dict.fromkeys(FIELDS, 6)
PAIRS = Architecture.full(FIELDS, ["inner"], 2).interactions["inner"]
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)

RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 6, (2000, 4)).astype("int32")
TRUTH = 3 * RNG.normal(size=(6, 6))[IDS[:, 0], IDS[:, 1]]
LABELS = (TRUTH + RNG.logistic(size=2000) > 0).astype("float32")[:, None]


def gates_of(model, cls):
    return [layer for layer in model._flatten_layers() if isinstance(layer, cls)]


def set_alpha(model, *values):
    for layer, alpha in zip(gates_of(model, GatedInteraction), values, strict=True):
        layer.alpha.assign(alpha)


# === read_gates ===


def functional():
    inputs = {field: keras.Input((1,), name=field) for field in FIELDS}
    rows = [keras.layers.Embedding(6, 5)(x) for x in inputs.values()]
    e = keras.layers.Concatenate(axis=1)(rows)
    return keras.Model(inputs, keras.layers.Dense(1)(GatedInteraction(fields=FIELDS)(e)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = FunctionWiseEmbedding(SIZES.values(), 5)
        self.blocks = [{"interaction": GatedInteraction(fields=FIELDS)}]

    def call(self, ids):
        return keras.ops.sum(self.blocks[0]["interaction"](self.embedding(ids)), axis=1)


def subclassed():
    model = Subclassed()
    model(IDS[:2])
    return model


def nested():
    ids = keras.Input((4,), dtype="int32")
    return keras.Sequential([keras.Input((4,), dtype="int32"), keras.Model(ids, subclassed()(ids))])


def ours():
    return FM(SIZES, search="interactions", embedding_dim=5)


@pytest.mark.parametrize("make", [functional, subclassed, nested, ours])
def test_read_gates_keeps_what_is_not_zero(make):
    model = make()
    set_alpha(model, [0.0, -0.3, 0.0, 1e-30, 0.0, 2.0])
    kept = (PAIRS[1], PAIRS[3], PAIRS[5])
    assert read_gates(model) == Architecture(FIELDS, ("inner",), 5, {"inner": kept})


def test_read_gates_of_new_gates_keeps_everything():
    assert read_gates(ours()) == Architecture.full(FIELDS, ["inner"], 5)
    assert read_gates(FM(SIZES, embedding_dim=5)) == Architecture.full(FIELDS, ["inner"], 5)


def test_read_gates_of_fields_without_names():
    layer = GatedInteraction(["outer"])
    model = keras.Sequential([keras.Input((3, 4)), layer])
    layer.alpha.assign([1, 0, 1])
    kept = {"outer": (("0", "1"), ("1", "2"))}
    assert read_gates(model) == Architecture(("0", "1", "2"), ("outer",), 4, kept)


def several_orders():
    candidates = {"inner": [*PAIRS[:2], FIELDS[:3]], "outer": [PAIRS[4], FIELDS]}
    return Architecture(FIELDS, ("inner", "outer"), 3, candidates)


def test_read_gates_of_several_orders_and_functions():
    model = FM(SIZES, several_orders(), "interactions")
    set_alpha(model, [0, -1, 1], [0], [0.5])  # orders 2, 3 and 4: only the last is searched
    kept = {"inner": [*PAIRS[:2], FIELDS[:3]], "outer": [PAIRS[4], FIELDS]}
    assert read_gates(model) == Architecture(FIELDS, ("inner", "outer"), 3, kept)


@pytest.mark.parametrize("per_function", [False, True])
def test_read_gates_of_dimensions(per_function):
    architecture = several_orders()
    model = FM(SIZES, architecture, "dimensions", per_function_gates=per_function)
    expected = {2: {}, 3: {}, 4: {}}
    for layer in gates_of(model, DimensionGate):
        open_gates = RNG.integers(0, 2, layer.beta.shape)
        layer.beta.assign(open_gates * RNG.choice([-1, 1], open_gates.shape))
        for k, function in enumerate(layer.functions):
            of_function = open_gates[k if per_function else 0]
            expected[layer.orders[0]][function] = {
                field: tuple(np.flatnonzero(of_function[i])) for i, field in enumerate(FIELDS)
            }
    found = read_gates(model)
    assert found.dimensions == expected
    assert found.interactions == architecture.interactions


def test_read_gates_errors():
    with pytest.raises(ValueError, match=r"must have a GatedInteraction layer. Received: plain"):
        read_gates(keras.Sequential([keras.layers.Dense(1)], name="plain"))
    with pytest.raises(ValueError, match=r"must be built.*Received: lazy"):
        read_gates(keras.Sequential([GatedInteraction()], name="lazy"))
    e = keras.Input((3, 4))
    both = [GatedInteraction(fields=fields)(e) for fields in ("abc", "abd")]
    with pytest.raises(ValueError, match=r"the same fields and embedding dimension. Received"):
        read_gates(keras.Model(e, both))


# === drop_dead ===


@pytest.mark.parametrize(
    ("function", "kept", "dead"),
    [
        ("inner", {"a": (0, 1), "b": (1, 2)}, False),
        ("inner", {"a": (0, 1), "b": (2,)}, True),
        ("vector_kernel", {"a": (0, 1), "b": (2,)}, True),
        ("scalar_kernel", {"a": (0, 1), "b": (2,)}, True),
        ("outer", {"a": (0, 1), "b": (2,)}, False),
        ("matrix_kernel", {"a": (0, 1), "b": (2,)}, False),
        ("inner", {"a": (), "b": (0, 1, 2)}, True),
        ("outer", {"a": (0, 1), "b": ()}, True),
        ("matrix_kernel", {"a": (), "b": (0, 1)}, True),
    ],
)
def test_drop_dead(function, kept, dead):
    """What is dropped has the value zero, and nothing else has."""
    of_field = {"c": (0,), "d": (), **kept}
    dimensions = {2: {function: of_field}}
    architecture = Architecture(FIELDS, (function,), 3, {function: [("a", "b")]}, dimensions)
    alive, dropped = drop_dead(architecture)
    assert dropped == ([(function, ("a", "b"))] if dead else [])
    assert alive.interactions == ({} if dead else {function: (("a", "b"),)})
    assert alive.dimensions == architecture.dimensions
    model = FM(SIZES, architecture, gated=False, embedding_initializer="ones")
    for kernel in gates_of(model, GatedInteraction)[0].trainable_weights:
        kernel.assign(RNG.normal(size=kernel.shape))
    assert bool(np.any(model(IDS[:8]) == 0)) is dead


def test_drop_dead_takes_each_order_by_itself():
    common = {"a": (0, 1), "b": (1, 2), "c": (0, 2), "d": (0, 1, 2)}
    architecture = Architecture(
        FIELDS,
        ("inner", "outer"),
        3,
        {"inner": [("a", "b"), ("a", "b", "c"), ("a", "b", "d")], "outer": [("a", "b", "c")]},
        {3: {"inner": common, "outer": common}},
    )
    alive, dropped = drop_dead(architecture)
    assert dropped == [("inner", ("a", "b", "c"))]
    assert alive.units(2) == architecture.units(2)
    assert alive.units(3) == [("inner", ("a", "b", "d")), ("outer", ("a", "b", "c"))]


def test_found_architecture_says_what_is_dead(caplog):
    searched = Architecture(FIELDS, ("outer", "inner"), 2, {"inner": [("a", "b")]}, dataset="d/1")
    model = FM(SIZES, searched, "dimensions")
    gates_of(model, DimensionGate)[0].beta.assign([[[1, 0], [0, 1], [1, 1], [1, 1]]])
    found = found_architecture(model, searched)
    assert found.orders == ()
    assert found.functions == ("outer", "inner")
    assert found.dataset == "d/1"
    assert "Dropped 1 dead interactions: [('inner', ('a', 'b'))]" in caplog.text
    assert "Every interaction was pruned" in caplog.text


def test_found_architecture_is_silent_on_what_is_ordinary(caplog):
    model = ours()
    set_alpha(model, [1, 0, 0, 0, 0, 0])
    assert found_architecture(model).units(2) == [("inner", PAIRS[0])]
    assert not caplog.text


def test_searching_interactions_keeps_the_dimensions_found_before():
    kept = {2: {"inner": {"a": (0,), "b": (0, 1), "c": (1,), "d": (0, 1)}}}
    before = Architecture(FIELDS, ("inner",), 2, {"inner": [("a", "b"), ("c", "d")]}, kept)
    model = FM(SIZES, before, "interactions")
    set_alpha(model, [0.0, 1.0])
    after = found_architecture(model, before)
    assert after.units(2) == [("inner", ("c", "d"))]
    assert after.dimensions == before.dimensions


# === search_architecture ===


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
    assert gates_of(model, GatedInteraction)[0].units == architecture.units(2)
    parameters = gates_of(model, FunctionWiseEmbedding)[0].count_params()
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
