"""How often several searches keep the same, and what most of them keep."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

from aim_keras.architecture import Architecture
from aim_keras.search.found import drop_dead


def frequencies(architectures: Sequence[Architecture]) -> dict:
    """Share of the architectures that keep each unit: `{(function, interaction): share}`."""
    counts = collections.Counter(unit for a in architectures for unit in a.units())
    return {unit: count / len(architectures) for unit, count in counts.most_common()}


def consensus(architectures: Sequence[Architecture], share: float = 0.5) -> Architecture:
    """What at least `share` of the architectures keep: units, and dimensions of the embeddings.

    On the dimensions of an order and function those vote that keep any such unit.

    Args:
        architectures: Sequence of `Architecture` with the same fields, functions and embedding
            dimension, such as those that searches with several seeds found.
        share: Float in (0, 1].

    Returns:
        An `Architecture` without dead units, each alpha the mean of `|alpha|` over those that keep
        the unit.

    Raises:
        ValueError: if there is no architecture, they differ in what they may keep, or `share` is
            out of range.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1]. Received: share={share}")
    if not architectures:
        raise ValueError("architectures must hold at least one. Received: none")
    first = architectures[0]
    spaces = [(a.fields, a.functions, a.embedding_dim, a.dataset) for a in architectures]
    if different := [space for space in spaces if space != spaces[0]]:
        raise ValueError(
            "The architectures must have the same fields, functions, embedding dimension and data "
            f"set. Received: {spaces[0]} and {different[0]}"
        )
    kept = [unit for unit, often in frequencies(architectures).items() if often >= share]
    interactions: dict[str, Any] = {k: [q for kk, q in kept if kk == k] for k in first.functions}
    alpha: Any = None
    if all(a.alpha is not None for a in architectures):
        importances = [a.importance() for a in architectures]
        alpha = {}
        for k, qs in interactions.items():
            values = [[gates[k, q] for gates in importances if (k, q) in gates] for q in qs]
            alpha[k] = [sum(of_unit) / len(of_unit) for of_unit in values]
    dimensions = None
    if any(a.dimensions for a in architectures):
        agreeing = {(len(q), k) for k, q in kept}
        dimensions = {
            order: {
                k: _dimensions(voters, order, k, share)
                for k in first.functions
                if (voters := _voters(architectures, order, k, (order, k) in agreeing))
            }
            for order in sorted({order for order, _ in agreeing})
        }
    agreed = dataclasses.replace(
        first, interactions=interactions, dimensions=dimensions, alpha=alpha, found_by={}
    )
    return drop_dead(agreed)[0]


def _voters(architectures, order, function, agreed):
    """Those that have units of an order and function or, where it is not agreed on any, dimensions:
    models whose orders share embeddings store what any order keeps."""
    if agreed:
        return [a for a in architectures if function in a.of_order(order)]
    return [a for a in architectures if function in (a.dimensions or {}).get(order, {})]


def _dimensions(voters, order, function, share):
    kept = [a.kept_dimensions(order, function) for a in voters]
    return {
        field: tuple(
            j
            for j in range(voters[0].embedding_dim)
            if sum(j in of_field[field] for of_field in kept) / len(kept) >= share
        )
        for field in voters[0].fields
    }
