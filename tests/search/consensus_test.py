"""Frequencies and consensus against loops."""

import dataclasses
import random

import pytest

from aim_keras.architecture import Architecture
from aim_keras.search import consensus, frequencies

FIELDS = ("a", "b", "c", "d")
FUNCTIONS = ("inner", "outer")
DIM = 3
CANDIDATES = [
    *Architecture.full(FIELDS, FUNCTIONS, DIM).units(2),
    *Architecture.full(FIELDS, FUNCTIONS, DIM, order=3).units(3),
]


def drawn(seed, dimensions=False):
    """What a search might find: random units, alphas of either sign and, if asked, dimensions."""
    rng = random.Random(seed)
    units = [unit for unit in CANDIDATES if rng.random() < 0.6]
    interactions = {k: [q for kk, q in units if kk == k] for k in FUNCTIONS}
    return Architecture(
        FIELDS,
        FUNCTIONS,
        DIM,
        interactions,
        {
            order: {
                k: {f: [j for j in range(DIM) if rng.random() < 0.7] for f in FIELDS}
                for k in FUNCTIONS
            }
            for order in (2, 3)
        }
        if dimensions
        else None,
        {k: [rng.uniform(-1, 1) for _ in qs] for k, qs in interactions.items()},
        dataset="planted/1.0.0",
        found_by={"seed": seed},
    )


def alpha_of(architecture, unit):
    function, interaction = unit
    position = architecture.interactions[function].index(interaction)
    return abs(architecture.alpha[function][position])


def keeps(architecture, unit):
    return unit[1] in architecture.interactions.get(unit[0], ())


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_frequencies(count):
    found = [drawn(seed) for seed in range(count)]
    expected = {}
    for unit in CANDIDATES:
        times = 0
        for architecture in found:
            if keeps(architecture, unit):
                times += 1
        if times:
            expected[unit] = times / count
    shares = frequencies(found)
    assert shares == expected
    assert list(shares.values()) == sorted(expected.values(), reverse=True)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.55, 0.6, 1.0])
def test_consensus_of_units_and_alphas(share):
    found = [drawn(seed) for seed in range(20)]
    agreed = consensus(found, share)
    for unit in CANDIDATES:
        alphas = [alpha_of(a, unit) for a in found if keeps(a, unit)]
        assert keeps(agreed, unit) is (len(alphas) / 20 >= share)
        if keeps(agreed, unit):
            assert alpha_of(agreed, unit) == pytest.approx(sum(alphas) / len(alphas))
    assert agreed.dimensions is None
    assert (agreed.functions, agreed.dataset) == (FUNCTIONS, "planted/1.0.0")
    assert agreed.found_by == {}


@pytest.mark.parametrize("share", [0.5, 0.55, 0.7])
def test_consensus_of_dimensions(share):
    found = [drawn(seed, dimensions=True) for seed in range(20)]
    agreed = consensus(found, share)
    assert agreed.orders == (2, 3)
    kept = 0
    for order in (2, 3):
        for function in agreed.of_order(order):
            for field in FIELDS:
                for j in range(DIM):
                    times = voters = 0
                    for architecture in found:
                        if architecture.of_order(order).get(function):
                            voters += 1
                            times += j in architecture.dimensions[order][function][field]
                    stays = j in agreed.dimensions[order][function][field]
                    assert stays is (times / voters >= share)
                    kept += stays
    assert 0 < kept < 2 * len(FUNCTIONS) * len(FIELDS) * DIM


def test_one_architecture_agrees_with_itself():
    found = drawn(0)
    assert consensus([found], share=1) == found
    assert consensus([found]).alpha == {
        k: tuple(map(abs, values)) for k, values in found.alpha.items()
    }


def test_who_keeps_no_such_unit_has_no_vote_on_its_dimensions():
    units = {"inner": [("a", "b")], "outer": [("c", "d")]}
    of_field = dict.fromkeys(FIELDS, (0,))
    voter = Architecture(FIELDS, FUNCTIONS, DIM, units, {2: dict.fromkeys(FUNCTIONS, of_field)})
    other = Architecture(FIELDS, FUNCTIONS, DIM, {"outer": units["outer"]})
    agreed = consensus([voter, other])
    assert agreed.units(2) == [("inner", ("a", "b")), ("outer", ("c", "d"))]
    assert agreed.kept_dimensions(2, "inner") == of_field
    assert agreed.kept_dimensions(2, "outer") == dict.fromkeys(FIELDS, (0, 1, 2))


def test_one_architecture_agrees_with_itself_on_what_shared_orders_store():
    found = Architecture(
        FIELDS,
        FUNCTIONS,
        DIM,
        {"inner": [("a", "b")], "outer": [("a", "b"), ("a", "b", "c")]},
        {order: {k: dict.fromkeys(FIELDS, (0, 1)) for k in FUNCTIONS} for order in (2, 3)},
    )
    for shared in (False, True):
        sharing = {"share_orders": True, "shared_embedding": shared}
        agreed = consensus([found, found])
        assert agreed.embeddings(**sharing) == found.embeddings(**sharing)


def test_units_that_the_kept_dimensions_leave_dead_are_dropped():
    kept = {"a": (0,), "b": (0,), "c": (0, 1), "d": (0, 1)}
    other = kept | {"a": (1,), "b": (1,)}
    units = {"inner": [("a", "b"), ("c", "d")]}
    found = [
        Architecture(FIELDS, ("inner",), 2, units, {2: {"inner": of_field}})
        for of_field in (kept, other)
    ]
    agreed = consensus(found, share=1)
    assert agreed.dimensions[2]["inner"] == {"a": (), "b": (), "c": (0, 1), "d": (0, 1)}
    assert agreed.units(2) == [("inner", ("c", "d"))]


def test_without_alphas():
    found = [drawn(0), dataclasses.replace(drawn(1), alpha=None)]
    assert consensus(found).alpha is None


@pytest.mark.parametrize("share", [0, -0.5, 1.01])
def test_share_out_of_range(share):
    with pytest.raises(ValueError, match=rf"share must be in \(0, 1\]. Received: share={share}"):
        consensus([drawn(0)], share)


def test_no_architectures():
    with pytest.raises(ValueError, match=r"must hold at least one. Received: none"):
        consensus([])


@pytest.mark.parametrize(
    "other",
    [
        Architecture(("a", "b", "c"), FUNCTIONS, DIM, {}, dataset="planted/1.0.0"),
        Architecture(FIELDS, ("inner",), DIM, {}, dataset="planted/1.0.0"),
        Architecture(FIELDS, FUNCTIONS, 9, {}, dataset="planted/1.0.0"),
        Architecture(FIELDS, FUNCTIONS, DIM, {}, dataset="avazu/1.0.0"),
    ],
)
def test_architectures_of_different_searches(other):
    with pytest.raises(ValueError, match=r"must have the same fields, .*Received: .* and "):
        consensus([drawn(0), drawn(1), other])
