"""Candidates of the next order, grown from what a search found of the order below."""

import dataclasses
import math

import numpy as np

from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer


def grow(
    architecture: Architecture,
    top_k: int | None = None,
    union: bool = False,
    random_candidates: int = 0,
    seed: int = 0,
) -> Architecture:
    """The architecture with candidates of the next order, its highest plus one.

    The pool of a function is its `top_k` interactions of the highest order `p - 1` by `|alpha|`,
    each with every field that it lacks: at most `top_k * (n - p + 1)` of `n` fields, whatever the
    order. A candidate of order `p` is in it only if one of its parts of order `p - 1` was kept;
    `random_candidates` are what can find the others.

    Args:
        architecture: What a search found, with its `alpha`.
        top_k: Integer >= 1, or `None` for half of the number of fields, rounded down (the paper).
        union: Boolean. `True` ranks an interaction by its largest `|alpha|` over the functions,
            and gives all functions the same pool (the paper's text). `False` ranks and grows by
            function (the published code).
        random_candidates: Integer >= 0: how many random candidates each function (with `union`,
            all of them) gets beside its pool.
        seed: Integer, draws the random candidates.

    Raises:
        ValueError: if there is nothing to grow from: no interaction, no alpha, or no field left;
            or on an argument out of range.

    Reference: AIM, section 3.2, Algorithm 1.
    """
    fields = architecture.fields
    top_k = checked_integer("top_k", max(1, len(fields) // 2) if top_k is None else top_k)
    random_candidates = checked_integer("random_candidates", random_candidates, least=0)
    if not architecture.orders:
        raise ValueError("Candidates grow from kept interactions. Received: none is kept")
    order = architecture.orders[-1] + 1
    if order > len(fields):
        raise ValueError(f"order must be at most the {len(fields)} fields. Received: order={order}")
    rng = np.random.default_rng([seed, order])
    if union:
        strongest = architecture.strongest(order - 1)
        pool = _pool(strongest, fields, order, top_k, random_candidates, rng)
        pools = dict.fromkeys(architecture.functions, pool)
    else:
        importance, pools = architecture.importance(order - 1), {}
        for function in architecture.functions:
            of_function = {q: value for (k, q), value in importance.items() if k == function}
            if of_function or random_candidates:
                pools[function] = _pool(of_function, fields, order, top_k, random_candidates, rng)
    interactions = {
        k: (*architecture.interactions.get(k, ()), *pools.get(k, ()))
        for k in architecture.functions
    }
    return dataclasses.replace(architecture, interactions=interactions, alpha=None)


def _pool(importance, fields, order, top_k, random_candidates, rng):
    """Candidates from `{interaction: |alpha|}`, as tuples in the order of the fields."""
    position = {field: i for i, field in enumerate(fields)}
    parts = [tuple(position[field] for field in q) for q in importance]
    ranked = sorted(zip(parts, importance.values(), strict=True), key=lambda x: (-x[1], x[0]))
    pool = {
        tuple(sorted((*part, field)))
        for part, _ in ranked[:top_k]
        for field in range(len(fields))
        if field not in part
    }
    wanted = min(len(pool) + random_candidates, math.comb(len(fields), order))
    while len(pool) < wanted:
        pool.add(tuple(sorted(rng.choice(len(fields), order, replace=False).tolist())))
    return [tuple(fields[i] for i in q) for q in sorted(pool)]
