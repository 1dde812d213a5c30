"""What a layer does in another way on one backend."""

import keras
from keras import ops

GATHERS_FROM_VARIABLE = keras.backend.backend() == "tensorflow"
"""Whether `gather_rows` looks rows up in the variable; `False` is `ops.take` on every backend."""

if GATHERS_FROM_VARIABLE:
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
    if GATHERS_FROM_VARIABLE and not isinstance(ids, keras.KerasTensor):
        return tf.gather(table.value, ids)
    return ops.take(table, ids, axis=0)


def add_all(tensors):
    """The sum of tensors of one shape, on TensorFlow in one pass over them."""
    if GATHERS_FROM_VARIABLE:
        return tf.add_n(tensors)
    return sum(tensors[1:], tensors[0])
