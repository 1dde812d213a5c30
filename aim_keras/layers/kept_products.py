"""Products of interactions from the kept embedding dimensions alone, as rows of a matrix.

Here an embedding dimension is a row `(batch,)`, so that what an interaction reads is picked without
copying it number by number, and pruned dimensions take no part.
"""

import numpy as np
from keras import ops

from aim_keras.layers.interaction_functions import INNER, OUTER, SCALAR_KERNEL, VECTOR_KERNEL

PRUNED = -1


def live_units(function, columns, interactions):
    """The interaction that each product belongs to, rising, and its coordinate.

    Args:
        function: `InteractionFunction`.
        columns: integer array `(fields, dim)`: the row that holds each dimension, or `PRUNED`.
        interactions: integer array `(U, order)` of field positions.

    Returns:
        Integer arrays `(products,)`, twice.
    """
    kept = [np.flatnonzero(row != PRUNED).tolist() for row in columns]
    dim = columns.shape[1]
    live = [function.live([kept[field] for field in q], dim) for q in interactions]
    units = np.repeat(np.arange(len(live)), [len(of_unit) for of_unit in live])
    return units, np.array([j for of_unit in live for j in of_unit], dtype="int64")


def kept_products(function, rows, columns, interactions, kernel):
    """The products that are not always zero, `(products, batch)`, in the order of `live_units`.

    Args:
        function, columns, interactions: as of `live_units`.
        rows: tensor `(kept dimensions, batch)`.
        kernel: the function's weights or `None`.
    """
    units, places = live_units(function, columns, interactions)
    if not len(units):
        return rows[:0]
    if function is OUTER:
        return _outer(rows, columns, interactions[units], kernel)
    if function not in (INNER, SCALAR_KERNEL, VECTOR_KERNEL):
        return _by_full_embeddings(function, rows, columns, interactions, kernel)
    product = 1
    for position in interactions[units].T:
        product = product * ops.take(rows, columns[position, places], axis=0)
    if function is VECTOR_KERNEL:
        places = units * columns.shape[1] + places
        return product * ops.take(ops.reshape(kernel, (-1, 1)), places, axis=0)
    return product * ops.take(kernel, units, axis=0) if function is SCALAR_KERNEL else product


def _outer(rows, columns, interactions, kernel):
    """Each field is projected once for each place in an interaction."""
    fields, places = np.nonzero(columns != PRUNED)
    projected = ops.take(rows, columns[fields, places], axis=0)
    product = 1
    for position, weights in zip(interactions.T, ops.unstack(kernel, axis=0), strict=True):
        weights = ops.concatenate([weights, ops.zeros_like(weights[:1])])
        at = np.full((len(columns), len(fields)), columns.shape[1])
        at[fields, np.arange(len(fields))] = places
        projections = ops.matmul(ops.take(weights, at, axis=0), projected)  # (fields, batch)
        product = product * ops.take(projections, position, axis=0)
    return product


def _by_full_embeddings(function, rows, columns, interactions, kernel):
    fields, dim = columns.shape
    zeros = ops.zeros_like(rows[:1])
    full = ops.take(ops.concatenate([rows, zeros]), np.ravel(columns) % (rows.shape[0] + 1), axis=0)
    embeddings = ops.transpose(ops.reshape(full, (fields, dim, -1)), (2, 0, 1))
    products = function.checked_products(embeddings, interactions, kernel)
    width = products.shape[2]
    products = ops.reshape(ops.transpose(products, (1, 2, 0)), (len(interactions) * width, -1))
    units, places = live_units(function, columns, interactions)
    return ops.take(products, units * width + places, axis=0)
