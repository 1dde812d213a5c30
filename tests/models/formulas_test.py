"""The forward pass of the models, written out in NumPy, and what their tables store."""

import itertools

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from aim_keras.models import FM, IPNN, DeepFM
from tests.models.by_formula import by_path, mlp, with_random_weights

SIZES = {"a": 5, "b": 4, "c": 3, "d": 6}
DIM = 3
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 10) for size in SIZES.values()], axis=1).astype("int32")
OFFSETS = np.cumsum([0, *SIZES.values()][:-1])


def linear(w):
    weights = w[f"embedding_2/table_{DIM + 1}"][:, DIM:]
    return weights[OFFSETS + IDS].sum(axis=1) + w["embedding_2/bias"]


def embedded(w):
    tables = {path: table for path, table in w.items() if path.startswith("embedding_2/table_")}
    (table,) = tables.values()
    return table[OFFSETS + IDS][..., :DIM]  # (batch, fields, dim)


def pairs(e):
    return np.array(
        [[row[i] @ row[j] for i, j in itertools.combinations(range(len(SIZES)), 2)] for row in e]
    )


def flat(e):
    return e.reshape(len(e), -1)


def fm(w):
    return linear(w) + pairs(embedded(w)).sum(axis=1, keepdims=True)


FORMULAS = {
    "fm": (lambda: FM(SIZES, embedding_dim=DIM), fm),
    "deepfm": (
        lambda: DeepFM(SIZES, embedding_dim=DIM, hidden_units=(7, 4)),
        lambda w: fm(w) + mlp(w, flat(embedded(w)), 2),
    ),
    "deepfm_without_mlp": (lambda: DeepFM(SIZES, embedding_dim=DIM, hidden_units=()), fm),
    "deepfm_scalars": (
        lambda: DeepFM(
            SIZES, embedding_dim=DIM, hidden_units=(7,), mlp_inputs=("scalars", "embeddings")
        ),
        lambda w: fm(w) + mlp(w, np.hstack([pairs(embedded(w)), flat(embedded(w))]), 1),
    ),
    "ipnn": (
        lambda: IPNN(SIZES, embedding_dim=DIM, hidden_units=(7, 4)),
        lambda w: mlp(w, np.hstack([flat(embedded(w)), pairs(embedded(w))]), 2),
    ),
}


@pytest.mark.parametrize(("make", "formula"), FORMULAS.values(), ids=FORMULAS.keys())
def test_plain_model_equals_its_formula(make, formula):
    model = with_random_weights(make())
    expected = formula(by_path(model))
    assert expected.shape == (len(IDS), 1)
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-5, atol=1e-5)


def test_model_of_lists_and_numbers_equals_its_formula():
    fields = {"a": 5, "b": Field(4, 3, combiner="mean"), "c": Field(1, weighted=True)}
    model = with_random_weights(FM(fields, embedding_dim=DIM))
    ids = np.array([[4, 0, 3, -1, 0], [2, -1, -1, -1, 0]], "int32")
    numbers = np.array([[0.5], [-2.0]], "float32")
    w = by_path(model)
    a, b, c = (0, 5, 9)
    expected = []
    for (i, *items, _), (number,) in zip(ids, numbers, strict=True):
        items = [j for j in items if j >= 0]

        def rows(table, i=i, items=items, number=number):
            mean = sum(table[b + j] for j in items) / max(len(items), 1)
            return [table[a + i], mean + 0 * table[b], number * table[c]]

        table = w[f"embedding_2/table_{DIM + 1}"]
        e = rows(table[:, :DIM])
        first = sum(rows(table[:, DIM:])) + w["embedding_2/bias"]
        expected.append(first + sum(x @ y for x, y in itertools.combinations(e, 2)))
    np.testing.assert_allclose(model([ids, numbers]), expected, rtol=1e-5)


def test_searched_interactions_equal_their_formula():
    model = with_random_weights(FM(SIZES, search="interactions", embedding_dim=DIM, epsilon=1e-3))
    w = by_path(model)
    mean, variance = (w[f"interaction_2/batch_norm/moving_{x}"] for x in ("mean", "variance"))
    gated = w["interaction_2/gate_alpha"] * (pairs(embedded(w)) - mean) / np.sqrt(variance + 1e-3)
    expected = linear(w) + gated.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_searched_dimensions_equal_their_formula():
    model = with_random_weights(FM(SIZES, search="dimensions", embedding_dim=DIM, epsilon=1e-3))
    w = by_path(model)
    mean, variance = (w[f"dimension_gate_2/batch_norm/moving_{x}"] for x in ("mean", "variance"))
    e = w["dimension_gate_2/gate_beta"] * (embedded(w) - mean) / np.sqrt(variance + 1e-3)
    expected = linear(w) + pairs(e).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def stored(model):
    """`{embedding layer: number of parameters}`, without those of the linear term."""
    layers = [layer for layer in model.layers if layer.name.startswith("embedding_")]
    assert [e.linear for e in layers] == [
        i == 0 and model.name != "ipnn" for i in range(len(layers))
    ]
    return {e.name: e.count_params() - e.linear * (N + 1) for e in layers}


# Of order 2, inner reads a, b, c and outer b, d; of order 3, inner reads a, b, c. No vector_kernel.
SPARSE = Architecture(
    tuple(SIZES),
    ("inner", "outer", "vector_kernel"),
    DIM,
    {"inner": [("a", "b"), ("b", "c"), ("a", "b", "c")], "outer": [("b", "d")]},
    {
        2: {
            "inner": {"a": (0, 1, 2), "b": (0, 2), "c": (1,), "d": (0, 1)},
            "outer": {"a": (), "b": (0,), "c": (0, 1), "d": (2,)},
        },
        3: {"inner": {"a": (0, 1), "b": (1,), "c": (0, 1, 2), "d": (2,)}},
    },
)
INNER_2, OUTER_2, INNER_3 = 5 * 3 + 4 * 2 + 3 * 1, 4 * 1 + 6 * 1, 5 * 2 + 4 * 1 + 3 * 3
UNREAD_2, UNREAD_3 = 6 * 2 + 3 * 2, 6 * 1
EMPTY = Architecture(tuple(SIZES), ("inner", "outer"), DIM, {})
N = sum(SIZES.values())


@pytest.mark.parametrize("search", [None, "interactions", "dimensions"])
def test_all_that_the_interactions_read_is_stored_and_nothing_else(search):
    model = FM(SIZES, SPARSE, search)
    assert stored(model) == {"embedding_2": INNER_2 + OUTER_2, "embedding_3": INNER_3}
    parameters = SPARSE.embedding_parameters(SIZES, read_embeddings=False)
    assert sum(stored(model).values()) == parameters
    assert model.get_layer("embedding_2").num_functions == 2


def test_a_model_that_reads_all_embeddings_stores_the_architectures_parameters():
    for model in (DeepFM(SIZES, SPARSE), IPNN(SIZES, SPARSE)):
        assert stored(model) == {
            "embedding_2": INNER_2 + OUTER_2 + UNREAD_2,
            "embedding_3": INNER_3 + UNREAD_3,
        }
        assert sum(stored(model).values()) == SPARSE.embedding_parameters(SIZES)


def test_full_architecture():
    model = FM(SIZES, functions=("inner", "outer"), embedding_dim=DIM)
    assert stored(model) == {"embedding_2": N * 2 * DIM}
    assert model.architecture.embedding_parameters(SIZES) == N * 2 * DIM


def test_without_interactions_only_an_mlp_has_embeddings():
    assert stored(FM(SIZES, EMPTY)) == {"embedding_2": 0}
    assert stored(DeepFM(SIZES, EMPTY, hidden_units=())) == {"embedding_2": 0}
    products = DeepFM(SIZES, EMPTY, mlp_inputs=("products",))
    assert stored(products) == stored(DeepFM(SIZES, EMPTY, mlp_inputs=("embeddings",)))
    assert any("mlp" in variable.path for variable in products.trainable_variables)
    assert stored(IPNN(SIZES, EMPTY)) == {"embedding_2": N * DIM}


def test_shared_embeddings_store_what_any_function_keeps():
    # Of order 2: a 3 (inner), b 2 (the outer's within it), c 1, d 1 (outer).
    expected = {"embedding_2": 5 * 3 + 4 * 2 + 3 * 1 + 6 * 1, "embedding_3": INNER_3}
    assert stored(FM(SIZES, SPARSE, shared_embedding=True)) == expected


def test_mlp_reads_the_kept_dimensions_only():
    model = with_random_weights(DeepFM(SIZES, SPARSE, hidden_units=(7,)))
    features = keras.Model(model.input, model.get_layer("mlp").input)(IDS).numpy()
    expected = []
    for order in (2, 3):
        layer = model.get_layer(f"embedding_{order}")
        embeddings = layer.get_embeddings()
        of_column = {}
        for k, of_field in enumerate(SPARSE.dimensions[order].values()):
            for i, positions in enumerate(of_field.values()):
                rows = embeddings[k][i][IDS[:, i]]
                of_column |= {layer.columns[k, i, j]: rows[:, j] for j in positions}
        expected += [of_column[column] for column in sorted(of_column)]
    assert len(expected) == (3 + 2 + 1 + 2) + (0 + 1 + 2 + 1) + (2 + 1 + 3 + 1)
    np.testing.assert_array_equal(features, np.stack(expected, axis=1))
