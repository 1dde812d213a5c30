"""Compact re-trained models against full-size twins whose pruned table columns are zero."""

import itertools

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers.interaction_functions import BUILT_IN
from aim_keras.models import FM, IPNN, DeepFM
from tests.models.by_formula import with_random_weights

FUNCTIONS = tuple(function.name for function in BUILT_IN)
SIZES = {"a": 6, "b": 5, "c": 3, "d": 4, "e": 2}
FIELDS = tuple(SIZES)
DIM = 4
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 50) for size in SIZES.values()], axis=1).astype("int32")
MODELS = {
    "fm": (FM, {}, False),
    "deepfm": (DeepFM, {"hidden_units": (8,)}, True),
    "aim": (DeepFM, {"hidden_units": (8,), "mlp_inputs": ("products", "scalars")}, False),
    "ipnn": (IPNN, {"hidden_units": (8,)}, True),
}
SHARED, ORDERS = {"shared_embedding": True}, {"share_orders": True}


def found(functions, orders, per_function):
    """Random interactions, and kept dimensions for each field, or for each function and field."""
    rng = np.random.default_rng(len(functions))

    def kept():
        return {field: np.flatnonzero(rng.random(DIM) < 0.6).tolist() for field in FIELDS}

    def some(order):
        everything = list(itertools.combinations(FIELDS, order))
        return [everything[i] for i in rng.permutation(len(everything))[:3]]

    of_field = {order: kept() for order in orders}
    return Architecture(
        FIELDS,
        functions,
        DIM,
        {k: [q for order in orders for q in some(order)] for k in functions},
        {
            order: {k: kept() if per_function else of_field[order] for k in functions}
            for order in orders
        },
    )


def vectors(rng):
    return {field: rng.normal(0, 0.5, (size, DIM)) for field, size in SIZES.items()}


def set_tables(layer, slices):
    """Fills the tables from `[(vectors, {field: kept positions})]`, one for each slice."""
    rows = {
        field: np.hstack([of_field[field][:, list(kept[field])] for of_field, kept in slices])
        for field in FIELDS
    }
    if layer.linear:
        layer.bias.assign([0.3])
        rng = np.random.default_rng(3)
        rows = {
            field: np.hstack([row, rng.normal(size=(len(row), 1))]) for field, row in rows.items()
        }
    for table in layer.tables:
        width = table.shape[1]
        table.assign(np.vstack([row for row in rows.values() if row.shape[1] == width]))


def masked(of_field, kept):
    return {field: e * np.isin(np.arange(DIM), kept[field]) for field, e in of_field.items()}


def twins(model, architecture, **sharing):
    """The compact model, and one without pruned dimensions, with the same random weights.

    The full-size one has a table for each order and function, whatever the compact one shares: a
    masked copy of the shared one.
    """
    cls, arguments, reads_embeddings = MODELS[model]
    compact = with_random_weights(cls(SIZES, architecture, **arguments, **sharing), scale=0.5)
    interactions = dict(architecture.interactions)
    unpruned = Architecture(FIELDS, architecture.functions, DIM, interactions)
    full = cls(SIZES, unpruned, **arguments)
    weights = {w.path: w.numpy() for w in compact.weights}
    for w in full.weights:
        if w.path in weights and w.shape == weights[w.path].shape:
            w.assign(weights[w.path])

    rng = np.random.default_rng(2)
    stored = architecture.embeddings(**sharing, read_embeddings=reads_embeddings)
    unmasked = {}
    places = []  # of each input of the MLP, in the compact model: who reads it
    for orders, tables in stored.items():
        name = "_".join(map(str, orders))
        slices = [(vectors(rng), kept) for kept in tables.values()]
        set_tables(compact.get_layer(f"embedding_{name}"), slices)
        of_column = {}
        columns = compact.get_layer(f"embedding_{name}").columns
        for k, (functions, (of_field, kept)) in enumerate(zip(tables, slices, strict=True)):
            readers = list(itertools.product(orders, functions))
            unmasked |= dict.fromkeys(readers, of_field)
            for i, field in enumerate(FIELDS):
                of_column |= {columns[k, i, j]: (readers, field, j) for j in kept[field]}
        places += [of_column[column] for column in sorted(of_column)]
    for (order,), tables in unpruned.embeddings(read_embeddings=reads_embeddings).items():
        slices = [
            (masked(unmasked[order, k], architecture.kept_dimensions(order, k)), kept)
            for (k,), kept in tables.items()
        ]
        set_tables(full.get_layer(f"embedding_{order}"), slices)
    if reads_embeddings:
        set_first_kernel(compact, full, architecture, places)
    elif model == "aim":
        skip_dead_products(compact, full)
    return compact, full


def skip_dead_products(compact, full):
    """Rows of the compact MLP's first kernel where the full-size one has an input not always 0."""
    inputs = keras.Model(full.input, full.get_layer("mlp").input)(IDS).numpy()
    live = np.any(inputs != 0, axis=0)
    assert not live.all()
    target = full.get_layer("mlp").tower[0].kernel
    kernel = np.zeros(target.shape)
    kernel[live] = compact.get_layer("mlp").tower[0].kernel.numpy()
    target.assign(kernel)


def set_first_kernel(compact, full, architecture, places):
    """Rows of the compact MLP's first kernel where the full-size one finds the same inputs."""
    source = compact.get_layer("mlp").tower[0].kernel
    target = full.get_layer("mlp").tower[0].kernel
    readers = [(order, k) for order in architecture.orders for k in architecture.of_order(order)]
    kernel = np.zeros(target.shape)
    kernel[len(readers) * len(FIELDS) * DIM :] = source.numpy()[len(places) :]
    for row, (of_order_and_function, field, j) in enumerate(places):
        order, k = next(
            (p, k)
            for p, k in of_order_and_function
            if j in architecture.kept_dimensions(p, k)[field]
        )
        position = readers.index((order, k)) * len(FIELDS) + FIELDS.index(field)
        kernel[position * DIM + j] = source.numpy()[row]
    target.assign(kernel)


def check(model, architecture, **sharing):
    compact, full = twins(model, architecture, **sharing)
    logits = compact(IDS).numpy()
    assert np.std(logits) > 0.01
    np.testing.assert_allclose(logits, full(IDS), rtol=0, atol=1e-6 * np.abs(logits).max())
    parameters = architecture.embedding_parameters(
        SIZES, **sharing, read_embeddings=MODELS[model][2]
    )
    assert stored_parameters(compact) == parameters < stored_parameters(full)


def stored_parameters(model):
    embeddings = [layer for layer in model.layers if layer.name.startswith("embedding_")]
    linear = sum(SIZES.values()) + 1
    return sum(layer.count_params() - layer.linear * linear for layer in embeddings)


beta = pytest.mark.parametrize("per_function", [False, True], ids=["per_field", "per_function"])


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("function", FUNCTIONS)
@beta
def test_each_function(function, order, per_function):
    other = "inner" if function == "outer" else "outer"
    check("fm", found((function, other), (order,), per_function))


@pytest.mark.parametrize("model", MODELS)
@beta
def test_all_functions_and_orders(model, per_function):
    check(model, found(FUNCTIONS, (2, 3, 4), per_function))


@pytest.mark.parametrize("sharing", [SHARED, ORDERS, SHARED | ORDERS], ids="-".join)
@pytest.mark.parametrize("model", MODELS)
@beta
def test_shared_embeddings_whose_readers_keep_other_dimensions(model, sharing, per_function):
    check(model, found(("inner", "outer", "vector_kernel"), (2, 3), per_function), **sharing)
