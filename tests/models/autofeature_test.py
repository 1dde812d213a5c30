"""AutoFeature's forward pass in nested loops over pairs and dimensions."""

import numpy as np
import pytest

from aim_keras.models import AutoFeature
from aim_keras.pair_operations import PairOperations
from tests.models.by_formula import assert_equals_formula, mlp, with_random_weights

SIZES = {"a": 5, "b": 4, "c": 3, "d": 6}
FIELDS = tuple(SIZES)
DIM, UNITS = 3, 2
OPTIONS = {"embedding_dim": DIM, "pair_units": UNITS, "hidden_units": (7,)}
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 10) for size in SIZES.values()], axis=1).astype("int32")
OPERATIONS = PairOperations(
    FIELDS,
    {
        "addition": [("a", "b"), ("c", "d")],
        "product": [("a", "c")],
        "concatenation": [("a", "d"), ("b", "c")],
        "generalized_product": [("b", "d")],
    },
)


def model_of(architecture):
    return with_random_weights(AutoFeature(SIZES, architecture, **OPTIONS))


def operated(operation, first, second, kernel):
    """`o_{i,j}` of two embeddings."""
    if operation == "concatenation":
        return [*first, *second]
    if operation == "addition":
        return [first[k] + second[k] for k in range(DIM)]
    if operation == "generalized_product":
        first = [sum(first[k] * kernel[k, m] for k in range(DIM)) for m in range(DIM)]
    return [first[k] * second[k] for k in range(DIM)]


def formula(w, rows, operations):
    e = dict(zip(FIELDS, w[f"embedding/table_{DIM}"][rows], strict=True))
    inputs = [value for field in FIELDS for value in e[field]]
    for operation, pairs in operations.operations.items():
        of = {path.removeprefix(f"{operation}/"): value for path, value in w.items()}
        for p, (first, second) in enumerate(pairs):
            kernel = of["kernels"][p] if operation == "generalized_product" else None
            o = operated(operation, e[first], e[second], kernel)
            for unit in range(UNITS):
                y = sum(o[k] * of["projections"][p, k, unit] for k in range(len(o)))
                inputs.append(max(0.0, y + of["bias"][p, 0, unit]))
    return mlp(w, inputs)


@pytest.mark.parametrize(
    "operations",
    [OPERATIONS, PairOperations(FIELDS, {"product": [("b", "d")]}), PairOperations(FIELDS, {})],
    ids=["all", "one_pair", "none"],
)
def test_equals_its_formula(operations):
    model = AutoFeature(SIZES, operations, **OPTIONS)
    assert_equals_formula(model, lambda w, rows: formula(w, rows, operations), rtol=1e-5, atol=1e-5)


def test_a_new_generalized_product_is_a_product():
    product = model_of(PairOperations.full(FIELDS, "product"))
    new = AutoFeature(SIZES, PairOperations.full(FIELDS, "generalized_product"), **OPTIONS)
    w = {v.path.removeprefix("product/"): v.numpy() for v in product.weights}
    for v in new.weights:
        if v.name != "kernels":
            v.assign(w[v.path.removeprefix("generalized_product/")])
    np.testing.assert_allclose(new(IDS), product(IDS), rtol=1e-6)


def test_each_pairs_projection_starts_as_glorots():
    model = AutoFeature(SIZES, OPERATIONS, embedding_dim=60, pair_units=20, hidden_units=(7,))
    for operation, width in (("addition", 60), ("product", 60), ("concatenation", 120)):
        projections = model.get_layer(operation).projections
        assert projections.shape == (len(OPERATIONS.operations[operation]), width, 20)
        limit = np.sqrt(6 / (width + 20))
        assert np.abs(projections).max() == pytest.approx(limit, rel=0.02)


def test_is_all_products_without_an_architecture():
    assert AutoFeature(SIZES).architecture == PairOperations.full(FIELDS, "product")


def test_takes_the_path_of_its_operations(tmp_path):
    OPERATIONS.save(tmp_path / "found.json")
    assert AutoFeature(SIZES, tmp_path / "found.json").architecture == OPERATIONS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"search": "interactions"}, "search must be None.*search='interactions'"),
        ({"pair_units": 0}, "pair_units must be an integer >= 1.*pair_units=0"),
        ({"architecture": PairOperations(("a", "b"), {})}, r"must have the fields.*\('a', 'b'\)"),
        ({"architecture": {"format": "other"}}, "format must be .*'other'"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        AutoFeature(SIZES, **arguments)
