"""The rows that a field's list reads, pooled into one."""

from keras import ops

from aim_keras.fields import PADDING, Field


def pool(rows, ids, weights, kind: Field):
    """`sum_l c_l row_l`, whose coefficients `c` are the weights, divided as the combiner says.

    Args:
        rows: float tensor `(batch, fields, length, width)`.
        ids: integer tensor `(batch, fields, length)`, in which padding is -1.
        weights: float tensor of that shape; `None` where `kind` is not weighted.
        kind: `Field` of which all these fields are, but for the size.

    Returns:
        `(batch, fields, width)`, of the dtype of the rows; zeros for an empty list.
    """
    c = ops.cast(weights, rows.dtype) if kind.weighted else ops.ones_like(rows[..., 0])
    if kind.multi_valued:
        c = ops.where(ids == PADDING, ops.zeros_like(c), c)
    if kind.combiner == "mean":
        c = ops.divide_no_nan(c, ops.sum(c, axis=-1, keepdims=True))
    elif kind.combiner == "sqrtn":
        square = ops.sum(ops.square(c), axis=-1, keepdims=True)
        # The gradient of a square root is infinite at 0.
        c = c / ops.sqrt(ops.where(square > 0, square, ops.ones_like(square)))
    return ops.sum(rows * c[..., None], axis=2)
