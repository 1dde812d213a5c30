"""Random architectures of a found one's size."""

import collections
import itertools

import pytest

from aim_keras import Architecture
from aim_keras.search import random_architecture

FIELDS = ("a", "b", "c", "d", "e")
TRIPLES = list(itertools.combinations(FIELDS, 3))
FOUND = Architecture(
    FIELDS,
    ("inner", "outer", "vector_kernel"),
    2,
    {"inner": [("a", "b"), ("a", "c"), *TRIPLES[:4]], "outer": [("d", "e")]},
    dimensions={2: {"inner": dict.fromkeys(FIELDS, (1,))}},
    alpha={"inner": [0.1] * 6, "outer": [0.2]},
    dataset="shop/1.0.0",
    found_by={"stage": "retrain"},
)


def test_has_as_many_interactions_of_each_function_and_order():
    drawn = random_architecture(FOUND, seed=3)
    for order in (2, 3):
        expected = {function: len(kept) for function, kept in FOUND.of_order(order).items()}
        assert {k: len(kept) for k, kept in drawn.of_order(order).items()} == expected
    assert drawn.dimensions is None
    assert drawn.alpha is None
    assert drawn.found_by == {}
    assert drawn.dataset == "shop/1.0.0"
    assert drawn.functions == FOUND.functions


def test_a_seed_draws_the_same_and_another_one_others():
    assert random_architecture(FOUND, seed=3) == random_architecture(FOUND, seed=3)
    assert len({str(random_architecture(FOUND, seed=s).to_dict()) for s in range(20)}) > 15


def test_every_interaction_is_as_likely():
    counts = collections.Counter(
        q for seed in range(600) for q in random_architecture(FOUND, seed).of_order(2)["inner"]
    )
    assert set(counts) == set(itertools.combinations(FIELDS, 2))
    assert all(count == pytest.approx(600 * 2 / 10, abs=45) for count in counts.values())  # 4.6 sd


def test_what_was_kept_whole_is_kept_whole():
    full = Architecture.full(FIELDS, ("inner", "outer"), 2)
    assert random_architecture(full, seed=1) == full
    nothing = Architecture(FIELDS, ("inner",), 2, {})
    assert random_architecture(nothing, seed=1) == nothing
