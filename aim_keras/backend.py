"""The one switch between what TensorFlow does faster and what every backend does."""

import keras
from keras import ops

USES_TENSORFLOW = keras.backend.backend() == "tensorflow"
"""Whether TensorFlow's own operations are used where they are faster; `False` is the way of every
backend: `keras.ops`, and optimizers that pass over whole tables."""

if USES_TENSORFLOW:
    import tensorflow as tf


def gather_rows(table, ids):
    """The rows `ids` of a table: `ops.take(table, ids, axis=0)`.

    On TensorFlow `ops.take` copies a table that an optimizer has updated row by row, at each
    lookup; here the rows are read from the variable. The gradient is a `tf.IndexedSlices` either
    way.

    Args:
        table: `keras.Variable` made with `autocast=False`, `(rows, ...)`.
        ids: integer tensor `(...)`, of numbers within `0 ... rows - 1`.

    Returns:
        Tensor of the shape of `ids` followed by that of a row.
    """
    if USES_TENSORFLOW and not isinstance(ids, keras.KerasTensor):
        return tf.gather(table.value, ids)
    return ops.take(table, ids, axis=0)


def add_all(tensors):
    """The sum of tensors of one shape, on TensorFlow in one pass over them."""
    if USES_TENSORFLOW:
        return tf.add_n(tensors)
    return sum(tensors[1:], tensors[0])


def is_sparse(gradient):
    """Whether a gradient has the rows of a table that a batch looked up, and no others."""
    return USES_TENSORFLOW and isinstance(gradient, tf.IndexedSlices)
