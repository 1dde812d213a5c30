"""A model started from a searched one gives the searched one's outputs."""

import itertools

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, FunctionWiseEmbedding, GatedInteraction
from aim_keras.models import FM, IPNN, DeepFM
from aim_keras.search import found_architecture, warm_start

SIZES = {"a": 9000, "b": 5, "c": 3, "d": 4}
FIELDS = tuple(SIZES)
FUNCTIONS = ("inner", "outer", "vector_kernel", "scalar_kernel", "matrix_kernel")
DIM = 3
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 200) for size in SIZES.values()], axis=1).astype("int32")
IDS[:4, 0] = 0, 8191, 8192, 8999
CANDIDATES = Architecture(
    FIELDS,
    FUNCTIONS,
    DIM,
    {
        k: [*itertools.combinations(FIELDS, 2), *itertools.combinations(FIELDS, 3)]
        for k in FUNCTIONS
    },
)
SHARING = {
    "function_wise": {},
    "shared": {"shared_embedding": True},
    "orders": {"share_orders": True},
    "all": {"shared_embedding": True, "share_orders": True},
}
each_sharing = pytest.mark.parametrize("sharing", SHARING.values(), ids=SHARING.keys())


def searched(cls, search, architecture=CANDIDATES, **options):
    return as_if_trained(cls(SIZES, architecture, search, **options))


def as_if_trained(model):
    """Random weights, moving averages of the batch, and some gates closed."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    for w in model.weights:
        if w.name == "batches_seen":
            w.assign(0)
    model(IDS, training=True)
    for w in model.weights:
        if w.path.endswith(("gate_alpha", "gate_beta")):
            w.assign(np.where(rng.random(w.shape) < 0.6, w.numpy(), 0))
    return model


def started(source, **options):
    model = FM(SIZES, found_architecture(source, source.architecture), **options)
    warm_start(model, source)
    return model


def assert_equal_outputs(model, source):
    expected = source(IDS).numpy()
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        *SHARING.values(),
        {"per_function_gates": True},
        {"per_function_gates": True, "share_orders": True},
    ],
    ids="-".join,
)
def test_after_a_search_of_dimensions_without_gates(options):
    source = searched(FM, "dimensions", **options)
    model = started(source, gated=False, **options)
    assert_equal_outputs(model, source)
    assert model.count_params() < source.count_params()


@each_sharing
def test_after_a_search_of_interactions_with_gates(sharing):
    source = searched(DeepFM, "interactions", hidden_units=(4,), **sharing)
    highest = source.get_layer("interaction_3")
    is_outer = np.array([function == "outer" for function, _ in highest.units])
    highest.alpha.assign(np.where(is_outer, 0, highest.alpha))
    model = started(source, **sharing)
    assert "outer" not in model.get_layer("interaction_3").functions
    ids = source.input
    without_mlp = keras.Model(ids, source(ids) - source.get_layer("mlp").output)
    assert_equal_outputs(model, without_mlp)


def test_after_both_searches_in_a_row():
    first = searched(FM, "interactions")
    found = found_architecture(first, CANDIDATES)
    second = searched(FM, "dimensions", found)
    model = started(second, gated=False)
    assert_equal_outputs(model, second)
    assert set(found.units(3)) < set(CANDIDATES.units(3))


def test_after_a_search_of_dimensions_alphas_and_averages_are_new():
    source = searched(FM, "dimensions")
    found = found_architecture(source, CANDIDATES)
    model = FM(SIZES, found)
    before = {w.path: w.numpy() for w in model.weights}
    warm_start(model, source)
    for w in model.weights:
        is_new = w.path.startswith("interaction") and "kernel" not in w.path
        assert np.array_equal(w.numpy(), before[w.path]) is is_new, w.path


def test_mlp_starts_where_its_shapes_agree():
    source = searched(IPNN, "dimensions", hidden_units=(4,), mlp_norm="batch")
    model = IPNN(SIZES, found_architecture(source, CANDIDATES), hidden_units=(4,), mlp_norm="batch")
    first = model.get_layer("mlp").tower[0].kernel.numpy()
    warm_start(model, source)
    theirs = {w.path: w.numpy() for w in source.get_layer("mlp").weights}
    for w in model.get_layer("mlp").weights:
        expected = first if w.path == "mlp/dense_0/kernel" else theirs[w.path]
        np.testing.assert_array_equal(w, expected, err_msg=w.path)


def test_the_norm_of_products_starts_new_unless_all_were_kept():
    options = {"hidden_units": (4,), "mlp_inputs": ("normalized_products",)}
    source = searched(DeepFM, "interactions", **options)
    found = found_architecture(source, CANDIDATES)
    for architecture in (found, CANDIDATES):
        model = DeepFM(SIZES, architecture, **options)
        warm_start(model, source)
        norm = model.get_layer("normalized_products_3")
        theirs = source.get_layer("normalized_products_3")
        assert int(norm.batches_seen) == (0 if architecture is found else 1)
        is_copied = norm.moving_mean.shape == theirs.moving_mean.shape and np.array_equal(
            norm.moving_mean, theirs.moving_mean
        )
        assert is_copied is (architecture is CANDIDATES)


def test_a_layer_that_only_the_model_has_stays():
    source = searched(DeepFM, "interactions", hidden_units=())
    model = DeepFM(SIZES, found_architecture(source, CANDIDATES), hidden_units=(4,))
    before = [w.numpy() for w in model.get_layer("mlp").weights]
    warm_start(model, source)
    for w, value in zip(model.get_layer("mlp").weights, before, strict=True):
        np.testing.assert_array_equal(w, value)


def users_model(architecture, search):
    """A model that a user writes with our layers, named as ours."""
    interactions = architecture.of_order(2)
    functions = list(interactions)
    dimensions = architecture.dimensions and [
        list(architecture.kept_dimensions(2, k).values()) for k in functions
    ]
    ids = keras.Input((4,), dtype="int32")
    sizes = SIZES.values()
    e = FunctionWiseEmbedding(sizes, DIM, len(functions), dimensions, name="embedding_2")(ids)
    if search == "dimensions":
        e = DimensionGate(functions, fields=FIELDS, name="dimension_gate_2")(e)
    y = GatedInteraction(
        functions, interactions, 2, FIELDS, gated=search == "interactions", name="interaction_2"
    )(e)
    linear = FunctionWiseEmbedding(sizes, 1, name="linear")(ids)
    logits = keras.ops.sum(y, axis=1, keepdims=True) + keras.ops.sum(linear, axis=(1, 2))
    model = keras.Model(ids, keras.layers.Dense(1, name="scale")(logits))
    model.architecture = architecture
    return model


def test_a_users_model():
    pairs = Architecture.full(FIELDS, ("outer", "inner", "matrix_kernel"), DIM)
    source = as_if_trained(users_model(pairs, "dimensions"))
    model = users_model(found_architecture(source, pairs), None)
    warm_start(model, source)
    assert_equal_outputs(model, source)
    assert model.count_params() < source.count_params()


def test_fields_in_another_order_are_refused():
    """Whose embeddings, of equal sizes, would be swapped."""
    sizes = dict.fromkeys(FIELDS, 5)
    source = FM(sizes, search="interactions", embedding_dim=DIM)
    other = ("b", "a", "c", "d")
    found = Architecture(other, ("inner",), DIM, {"inner": [("a", "c")]})
    model = FM(dict.fromkeys(other, 5), found)
    with pytest.raises(ValueError, match=r"in their order, \['a', 'b'.*Received: \['b', 'a'"):
        warm_start(model, source)


def test_errors_name_the_layer():
    source = searched(FM, "interactions")
    found = found_architecture(source, CANDIDATES)
    with pytest.raises(
        ValueError, match=r"layer 'embedding_2' .*Received: vocabulary_sizes=.*9000"
    ):
        warm_start(FM(SIZES | {"a": 9}, found), source)
    other = Architecture(FIELDS, FUNCTIONS, DIM, {"inner": [FIELDS]})
    with pytest.raises(ValueError, match=r"layer 'embedding_4' must .*Received: there is no such"):
        warm_start(FM(SIZES, other), source)
    smaller = FM(SIZES, CANDIDATES.keep(CANDIDATES.units(2)[1:]))
    with pytest.raises(ValueError, match=r"layer 'interaction_2' .*no .*'inner', \('a', 'b'\)"):
        warm_start(FM(SIZES, Architecture.full(FIELDS, FUNCTIONS, DIM)), smaller)
    ids = keras.Input((4,), dtype="int32")
    a, b = (
        keras.Model(ids, keras.layers.Dense(units, use_bias=False, name="dense")(ids + 0.0))
        for units in (2, 3)
    )
    with pytest.raises(ValueError, match=r"layer 'dense' .*Received: weights of .*\(4, 3\)"):
        warm_start(a, b)
