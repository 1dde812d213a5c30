"""Parts that interactions share."""

import itertools

import numpy as np
import pytest

from aim_keras.layers.shared_parts import shared_parts


def whole(interactions):
    parts, part, rest = shared_parts(np.array(interactions))
    return parts, [frozenset((*parts[r], field)) for r, field in zip(part, rest, strict=True)]


@pytest.mark.parametrize("order", [2, 3, 4])
def test_part_and_field_make_the_interaction(order):
    everything = list(itertools.combinations(range(7), order))
    rng = np.random.default_rng(order)
    for interactions in (everything, rng.permuted(everything[::3], axis=1)):
        parts, found = whole(interactions)
        assert found == [frozenset(q) for q in interactions]
        assert len(np.unique(parts, axis=0)) == len(parts)


def test_a_pool_has_the_parts_it_grew_from():
    parents = [(0, 5), (2, 3), (4, 6)]
    pool = {tuple(sorted((*q, field))) for q in parents for field in range(8) if field not in q}
    parts, _ = whole(sorted(pool))
    assert {tuple(part) for part in parts} == set(parents)


def test_pairs_share_the_field_that_most_have():
    parts, _ = whole([(0, 3), (1, 3), (2, 3)])
    assert parts.tolist() == [[3]]
