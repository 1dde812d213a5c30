"""What a search is compared with."""

import dataclasses
import itertools
from typing import Any

import numpy as np

from aim_keras.architecture import Architecture


def random_architecture(like: Architecture, seed: int = 0) -> Architecture:
    """An architecture of another's size: as many random interactions of each function and order.

    Interactions are drawn uniformly, without repetition, for each function on its own. All
    embedding dimensions are kept, so that no drawn interaction is dead, and a model of it is never
    the smaller one for want of dimensions.

    Args:
        like: `Architecture`, such as what a search found.
        seed: Integer >= 0, draws the interactions.

    Returns:
        `Architecture`, without alpha.

    Example:

    ```pycon
    >>> found = Architecture.full(["user", "item", "hour"], ["inner"], 8).keep(
    ...     [("inner", ("user", "hour"))]
    ... )
    >>> len(random_architecture(found, seed=1).units(2))
    1
    ```
    """
    rng = np.random.default_rng(seed)
    interactions: dict[str, Any] = {function: [] for function in like.functions}
    for order in like.orders:
        candidates = list(itertools.combinations(like.fields, order))
        for function, kept in like.of_order(order).items():
            drawn = rng.choice(len(candidates), len(kept), replace=False)
            interactions[function] += [candidates[i] for i in drawn]
    return dataclasses.replace(
        like, interactions=interactions, dimensions=None, alpha=None, found_by={}
    )
