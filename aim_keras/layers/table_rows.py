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
    columns = layout.columns.reshape(-1) % values.shape[1]  # the last one is zero
    return ops.reshape(ops.take(values, columns, axis=1), (-1, functions, fields, dim))


def _in_field_order(layout, rows):
    """Rows of the stored fields, run by run: `ops.take` has a slow gradient."""
    order = np.argsort(layout.stored)
    runs = np.split(order, np.flatnonzero(np.diff(order) != 1) + 1)
    if len(runs) == 1:
        return rows
    return ops.concatenate([rows[:, run[0] : run[-1] + 1] for run in runs], axis=1)


def stored_rows(tables, layout):
    """The rows of each field as they are stored, `(ids, width)`.

    Args:
        tables: The variables of `layout.tables`.
        layout: `TableLayout`.
    """
    sizes = [field.size for field in layout.fields]
    rows = [np.zeros((size, 0), "float32") for size in sizes]
    for table, (_, fields) in zip(tables, layout.tables, strict=True):
        ends = np.cumsum([sizes[i] for i in fields])[:-1]
        for i, part in zip(fields, np.split(table.numpy(), ends), strict=True):
            rows[i] = part
    return [rows[owner] for owner in layout.owners]


def check_values(values, layout):
    """Checks `values[function][field]`, an array `(ids, dim)`, against the table that it is for.

    Raises:
        ValueError: on arrays of another number or shape.
    """
    if len(values) != layout.num_functions:
        raise ValueError(
            f"values must hold the arrays of {layout.num_functions} functions. "
            f"Received: of {len(values)}"
        )
    for function, of_field in enumerate(values):
        check_rows(f"values[{function}]", of_field, layout, layout.embedding_dim)


def check_rows(name, rows, layout, dim):
    """Checks `rows[field]`, an array `(ids, dim)`.

    Raises:
        ValueError: on arrays of another number or shape.
    """
    if len(rows) != len(layout.fields):
        raise ValueError(
            f"{name} must hold an array for each of {len(layout.fields)} fields. "
            f"Received: {len(rows)}"
        )
    for i, (of_field, field) in enumerate(zip(rows, layout.fields, strict=True)):
        if np.shape(of_field) != (field.size, dim):
            raise ValueError(
                f"{name}[{i}] must have a row of {dim} for each of {field.size} ids, the first one "
                f"out-of-vocabulary. Received: shape {np.shape(of_field)}"
            )
        owner = layout.owners[i]
        if owner != i and not np.array_equal(of_field, rows[owner], equal_nan=True):
            raise ValueError(
                f"{name}[{i}] must equal {name}[{owner}], since these fields share the "
                f"table {field.table!r}. Received: other numbers"
            )
