"""What the gates of a model say: read, without what is dead, for the next stage."""

import dataclasses

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, FunctionWiseEmbedding, GatedInteraction
from aim_keras.models import FM
from aim_keras.search import drop_dead, found_architecture, read_gates

FIELDS = ("a", "b", "c", "d")
SIZES = dict.fromkeys(FIELDS, 6)
PAIRS = Architecture.full(FIELDS, ["inner"], 2).interactions["inner"]
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 6, (100, 4)).astype("int32")


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


def two_heads():
    """A model whose heads kept one pair each, of which they share a field."""
    e = keras.Input((1, 4, 3))
    heads = [GatedInteraction(fields=FIELDS, name=name) for name in ("click", "buy")]
    model = keras.Model(e, [head(e) for head in heads])
    for head, kept in zip(heads, np.eye(6), strict=False):
        head.alpha.assign(kept)
    return model


def test_read_gates_of_a_head():
    model = two_heads()
    with pytest.raises(ValueError, match=r"`layers` of one. Received: click and buy, .*inner, or"):
        read_gates(model)
    for head, kept in zip(gates_of(model, GatedInteraction), PAIRS, strict=False):
        expected = Architecture(FIELDS, ("inner",), 3, {"inner": [kept]})
        assert read_gates(model, layers=[head]) == expected
        assert found_architecture(model, layers=[head]) == expected


def test_read_gates_of_other_layers():
    with pytest.raises(ValueError, match=r"\['click', 'buy'\]. Received: .*name=another"):
        read_gates(two_heads(), layers=[GatedInteraction(name="another")])


# === drop_dead ===


def test_found_architecture_says_what_is_dead(caplog):
    searched = Architecture(FIELDS, ("outer", "inner"), 2, {"inner": [("a", "b")]}, dataset="d/1")
    model = FM(SIZES, searched, "dimensions")
    gates_of(model, DimensionGate)[0].beta.assign([[[1, 0], [0, 1], [1, 1], [1, 1]]])
    found = found_architecture(model, searched)
    assert found.orders == ()
    assert found.functions == ("outer", "inner")
    assert found.dataset == "d/1"
    assert "Dropped dead interactions: [('inner', ('a', 'b'))]" in caplog.text
    assert "Every interaction was pruned" in caplog.text


def test_found_architecture_names_a_few_of_many_dead(caplog):
    model = FM(SIZES, Architecture.full(FIELDS, ["inner"], 2), "dimensions")
    gates_of(model, DimensionGate)[0].beta.assign(np.zeros((1, 4, 2)))
    found_architecture(model)
    named = "[('inner', ('a', 'b')), ('inner', ('a', 'c')), ('inner', ('a', 'd'))] and 3 more"
    assert f"Dropped dead interactions: {named}" in caplog.text


def test_found_architecture_says_that_nothing_is_kept(caplog):
    model = ours()
    assert found_architecture(model, threshold=1.0, quiet=True).orders == ()
    assert not caplog.text
    found_architecture(model, threshold=1.0)
    assert [m.startswith("Every interaction was pruned") for m in caplog.messages] == [True]


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


def test_read_gates_of_a_threshold():
    model = FM(SIZES, several_orders(), "interactions")
    set_alpha(model, [0, -1, 1], [0.1], [-0.5])
    assert read_gates(model, 0.4).interactions["outer"] == (PAIRS[4], FIELDS)
    assert read_gates(model, 0.5).interactions["outer"] == (PAIRS[4],)
    assert read_gates(model, 0.5).interactions["inner"] == several_orders().interactions["inner"]


def test_read_gates_of_alphas():
    model = FM(SIZES, several_orders(), "interactions")
    set_alpha(model, [0, -1, 2], [0.25], [-0.5])
    found = read_gates(model)
    assert found.alpha == {"inner": (0, -1, 0.25), "outer": (2, -0.5)}
    assert read_gates(FM(SIZES, several_orders(), "dimensions")).alpha is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("search", "name"),
    [("interactions", "interaction_4/gate_alpha"), ("dimensions", "dimension_gate_3/gate_beta")],
)
def test_read_gates_that_are_not_finite(search, name, bad):
    model = FM(SIZES, several_orders(), search)
    gate = next(w for w in model.weights if w.path == name)
    values = gate.numpy()
    values[..., -1] = bad
    gate.assign(values)
    with pytest.raises(ValueError, match=rf"Gates must be finite. Received: {name}=.*{bad}"):
        read_gates(model)


# === drop_dead and found_architecture of alphas ===


def test_alphas_follow_their_units():
    before = dataclasses.replace(several_orders(), alpha={"inner": [1, 2, 3], "outer": [4, 5]})
    model = FM(SIZES, before, "interactions")
    set_alpha(model, [0, -1, 2], [0.25], [0])
    found = found_architecture(model, before)
    assert found.alpha == {"inner": (0, -1, 0.25), "outer": (2,)}

    model = FM(SIZES, before, "dimensions")
    gates = gates_of(model, DimensionGate)
    gates[0].beta.assign(np.where(np.arange(4)[:, None] == 1, 0, gates[0].beta))  # no dim of b
    found = found_architecture(model, before)
    assert found.alpha == {"inner": (2, 3), "outer": (5,)}
    assert drop_dead(dataclasses.replace(found, alpha=None))[0].alpha is None


@pytest.mark.parametrize("share_orders", [False, True])
def test_dimensions_pruned_before_stay_pruned(share_orders):
    kept = dict.fromkeys(FIELDS, (0, 2))
    before = dataclasses.replace(several_orders(), dimensions={3: {"inner": kept, "outer": kept}})
    model = FM(SIZES, before, "dimensions", share_orders=share_orders)
    for layer in gates_of(model, DimensionGate):
        layer.beta.assign(np.broadcast_to([[[1, 1, 0]]], layer.beta.shape))
    found = found_architecture(model, before)
    for order, function, positions in (
        (2, "inner", (0, 1)),
        (3, "inner", (0,)),
        (4, "outer", (0, 1)),
    ):
        assert found.dimensions[order][function] == dict.fromkeys(FIELDS, positions)
