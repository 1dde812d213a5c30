"""What interactions share: the products of all but one of their fields."""

import numpy as np


def shared_parts(interactions):
    """Writes each interaction as a part of all its fields but one, and that field.

    Of an interaction's parts the one that most interactions have is taken, so that few products of
    `order - 1` embeddings serve them all: an order's pool has no more parts than interactions it
    grew from.

    Args:
        interactions: Integer array `(U, order)` of field positions.

    Returns:
        Integer arrays: the distinct parts `(R, order - 1)`, each interaction's part `(U,)`, a row
        of them, and the position of the field that is left `(U,)`.
    """
    num_interactions, order = interactions.shape
    last_first = range(order - 1, -1, -1)
    subsets = np.concatenate([np.delete(interactions, r, axis=1) for r in last_first])
    parts, of_subset = np.unique(np.sort(subsets, axis=1), axis=0, return_inverse=True)
    of_subset = of_subset.reshape(order, num_interactions)
    chosen = np.bincount(of_subset.ravel())[of_subset].argmax(axis=0)
    everyone = np.arange(num_interactions)
    used, part = np.unique(of_subset[chosen, everyone], return_inverse=True)
    return parts[used], part, interactions[everyone, order - 1 - chosen]
