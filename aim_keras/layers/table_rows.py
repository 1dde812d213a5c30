"""Rows of the batch as they are stored, in the order in which they are wanted."""

import numpy as np
from keras import ops


def flat(rows):
    """The rows of several fields, `(batch, fields, width)`, one after the other."""
    return ops.reshape(rows, (-1, rows.shape[1] * rows.shape[2]))


def linear_columns(layout, dtype):
    """A matrix `(stored weights, 1)` with a one for each linear weight."""
    ones = np.zeros((layout.row_ends[-1], 1))
    ones[layout.row_ends - 1] = 1
    return ops.convert_to_tensor(ones, dtype)


def by_function(layout, rows, zero):
    """The embeddings, `(batch, functions, fields, dim)`.

    Args:
        layout: `TableLayout`.
        rows: `(batch, fields of a group, width)` of each group.
        zero: What stands at pruned positions, `(batch, 1)`.
    """
    functions, fields, dim = layout.num_functions, len(layout.fields), layout.embedding_dim
    if layout.dimensions is None:
        rows = _in_field_order(layout, ops.concatenate(rows, axis=1) if rows[1:] else rows[0])
        return ops.transpose(ops.reshape(rows, (-1, fields, functions, dim)), (0, 2, 1, 3))
    values = ops.concatenate([*map(flat, rows), zero], axis=1)
    columns = layout.columns.reshape(-1) % (layout.columns.max() + 2)  # the last one is zero
    return ops.reshape(ops.take(values, columns, axis=1), (-1, functions, fields, dim))


def _in_field_order(layout, rows):
    """Rows of the stored fields, run by run: `ops.take` has a slow gradient."""
    order = np.argsort(layout.stored)
    runs = np.split(order, np.flatnonzero(np.diff(order) != 1) + 1)
    if len(runs) == 1:
        return rows
    return ops.concatenate([rows[:, run[0] : run[-1] + 1] for run in runs], axis=1)
