"""The candidates of the next order against Algorithm 1 in nested loops."""

import dataclasses
import itertools
import math
import random

import pytest

from aim_keras.architecture import Architecture
from aim_keras.search import grow

# What `grow` gives for `n` fields with random alphas, half of each order's candidates pruned:
# {n: {order: (candidates of inner, of outer, gates)}}. All interactions of order 4 would be 210,
# 4,845, 82,251 and 3,921,225.
POOLS = {
    10: {2: (45, 45, 90), 3: (37, 36, 73), 4: (32, 33, 65)},
    20: {2: (190, 190, 380), 3: (174, 173, 347), 4: (164, 168, 332)},
    39: {2: (741, 741, 1482), 3: (685, 686, 1371), 4: (670, 675, 1345)},
    100: {2: (4950, 4950, 9900), 3: (4860, 4848, 9708), 4: (4824, 4822, 9646)},
}
FUNCTIONS = ("inner", "outer")


def searched(architecture, rng, order):
    """Random alphas, of either sign; half of the candidates of an order are pruned."""
    alpha = {k: [rng.uniform(-1, 1) for _ in qs] for k, qs in architecture.interactions.items()}
    architecture = dataclasses.replace(architecture, alpha=alpha)
    pruned = {unit for unit in architecture.units(order) if rng.random() < 0.5}
    units = {unit for p in architecture.orders for unit in architecture.units(p)}
    return architecture.keep(units - pruned)


def algorithm_1(fields, importance, top_k):
    """Lines 4, 6 and 7: the pool from `{interaction: |alpha|}` of the order below."""

    def position(q):
        return [fields.index(field) for field in q]

    rest, top = dict(importance), []
    while rest and len(top) < top_k:
        best = None
        for q, value in rest.items():
            if best is None or (-value, position(q)) < (-rest[best], position(best)):
                best = q
        top.append(best)
        del rest[best]
    pool = set()
    for q in top:
        for field in fields:
            if field not in q:
                pool.add(tuple(sorted((*q, field), key=fields.index)))
    return sorted(pool, key=position)


def of_function(architecture, function, order):
    importance = architecture.importance(order)
    return {q: value for (k, q), value in importance.items() if k == function}


@pytest.mark.parametrize("n", POOLS)
def test_pools_are_algorithm_1s_and_within_its_bound(n):
    rng = random.Random(n)
    fields = tuple(f"f{i:02}" for i in range(n))
    top_k = n // 2
    architecture = Architecture.full(fields, FUNCTIONS, 2)
    sizes = {2: tuple(len(qs) for qs in architecture.interactions.values())}
    for order in (3, 4):
        architecture = searched(architecture, rng, order - 1)
        grown = grow(architecture)
        pools = grown.of_order(order)
        for k in FUNCTIONS:
            expected = algorithm_1(fields, of_function(architecture, k, order - 1), top_k)
            assert pools[k] == tuple(expected)
            assert len(pools[k]) <= top_k * (n - order + 1)
            for lower in range(2, order):
                assert grown.of_order(lower) == architecture.of_order(lower)
        sizes[order] = tuple(len(pools[k]) for k in FUNCTIONS)
        assert len(grown.units(order)) == sum(sizes[order])
        architecture = grown
    table = {order: (*of, sum(of)) for order, of in sizes.items()}
    assert table == POOLS[n]
    assert table[2][0] == math.comb(n, 2) <= n * n / 2


FIELDS = ("a", "b", "c", "d", "e")


def found(interactions, alpha, functions=FUNCTIONS, fields=FIELDS):
    interactions = {k: [tuple(q) for q in qs] for k, qs in interactions.items()}
    return Architecture(fields, functions, 2, interactions, alpha=alpha)


def joined(interactions):
    return ["".join(q) for q in interactions]


def test_the_largest_magnitudes_grow():
    architecture = found({"inner": ["ab", "cd", "de"]}, {"inner": [0.1, -0.9, 0.5]})
    grown = grow(architecture, top_k=1)
    assert joined(grown.interactions["inner"]) == ["ab", "cd", "de", "acd", "bcd", "cde"]
    assert grown.alpha is None
    assert (grown.fields, grown.functions) == (architecture.fields, architecture.functions)


def test_ties_are_broken_by_the_order_of_the_fields():
    fields = ("e", "d", "c", "b", "a")
    for order in itertools.permutations(["ab", "cb", "de"]):
        grown = grow(found({"inner": order}, {"inner": [0.5] * 3}, fields=fields), top_k=1)
        assert joined(grown.of_order(3)["inner"]) == ["edc", "edb", "eda"]


def test_a_function_grows_by_itself():
    architecture = found({"inner": ["ab", "cd"], "outer": ["ab"]}, {"inner": [1, 2], "outer": [3]})
    grown = grow(architecture, top_k=1).of_order(3)
    assert joined(grown["inner"]) == ["acd", "bcd", "cde"]
    assert joined(grown["outer"]) == ["abc", "abd", "abe"]
    alone = found({"inner": ["ab"]}, {"inner": [1]})
    assert {k: len(q) for k, q in grow(alone, random_candidates=3).of_order(3).items()} == {
        "inner": 6,
        "outer": 3,
    }


def test_union_gives_all_functions_the_pool_of_the_best():
    architecture = found(
        {"inner": ["ab", "cd"], "outer": ["ab", "ce"]},
        {"inner": [0.1, 0.5], "outer": [-0.6, 0.2]},
        functions=("inner", "outer", "scalar_kernel"),
    )
    pools = grow(architecture, top_k=1, union=True).of_order(3)
    assert {k: tuple(joined(qs)) for k, qs in pools.items()} == dict.fromkeys(
        ("inner", "outer", "scalar_kernel"), ("abc", "abd", "abe")
    )
    best = {("a", "b"): 0.6, ("c", "d"): 0.5, ("c", "e"): 0.2}
    for top_k in (1, 2, 3, 9):
        pools = grow(architecture, top_k, union=True).of_order(3)
        assert pools["scalar_kernel"] == tuple(algorithm_1(FIELDS, best, top_k))


@pytest.mark.parametrize("union", [False, True])
def test_random_candidates_come_beside_the_pool_and_repeat_with_the_seed(union):
    fields = tuple("abcdefgh")
    architecture = found(
        {"inner": ["ab"], "outer": ["cd"]}, {"inner": [1], "outer": [2]}, ("inner", "outer"), fields
    )

    def pools(random_candidates, seed):
        options = {"union": union, "random_candidates": random_candidates, "seed": seed}
        return grow(architecture, top_k=1, **options).of_order(3)

    plain = pools(0, seed=0)
    for k in FUNCTIONS:
        drawn = pools(7, seed=0)[k]
        assert len(drawn) == len(set(drawn)) == len(plain[k]) + 7
        assert set(plain[k]) < set(drawn)
        assert drawn == pools(7, seed=0)[k] != pools(7, seed=1)[k]
        assert len(pools(1000, seed=0)[k]) == math.comb(8, 3)
    assert (pools(7, seed=0)["inner"] == pools(7, seed=0)["outer"]) is union


def test_three_fields_have_a_pool_of_one_part():
    """Half of three fields, rounded down, is one."""
    architecture = found({"inner": ["ab"]}, {"inner": [1]}, ("inner",), ("a", "b", "c"))
    assert joined(grow(architecture).of_order(3)["inner"]) == ["abc"]


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        (found({}, {}), {}, "grow from kept interactions. Received: none is kept"),
        (found({"inner": ["ab"]}, None), {}, "must have the alpha of a search"),
        (
            found({"inner": ["abcde"]}, {"inner": [1]}),
            {},
            "order must be at most the 5 fields. Received: order=6",
        ),
        (found({"inner": ["ab"]}, {"inner": [1]}), {"top_k": 0}, "top_k must be an integer >= 1"),
        (found({"inner": ["ab"]}, {"inner": [1]}), {"top_k": 1.5}, "Received: top_k=1.5"),
        (
            found({"inner": ["ab"]}, {"inner": [1]}),
            {"random_candidates": -1},
            "random_candidates must be an integer >= 0. Received: random_candidates=-1",
        ),
    ],
)
def test_errors(architecture, options, message):
    with pytest.raises(ValueError, match=message):
        grow(architecture, **options)
