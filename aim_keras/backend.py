"""The one switch between what TensorFlow does faster and what every backend does."""

import keras
from keras import ops

BACKEND = keras.backend.backend()
"""The name of the backend."""

USES_TENSORFLOW = BACKEND == "tensorflow"
"""Whether TensorFlow's own operations are used where they are faster; `False` is the way of every
backend: `keras.ops`, and optimizers that pass over whole tables."""

if USES_TENSORFLOW:
    import tensorflow as tf

_deterministic = False


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


def make_deterministic():
    """Lets the same seed give the same bits on one machine, at some cost of speed.

    TensorFlow's `enable_op_determinism` alone does not: its sum of three or more tensors (`AddN`)
    starts from whichever buffer is free at that moment, and its graph optimizer makes such sums of
    chains of two. Call it before anything else is computed.

    Raises:
        RuntimeError: on another backend than TensorFlow.
    """
    global _deterministic
    if not USES_TENSORFLOW:
        raise RuntimeError(f"Determinism is TensorFlow's. Received: backend={BACKEND!r}")
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    _deterministic = True


def add_all(tensors):
    """The sum of tensors of one shape, on TensorFlow in one pass over them."""
    if USES_TENSORFLOW and not _deterministic:
        return tf.add_n(tensors)
    return sum(tensors[1:], tensors[0])


def is_sparse(gradient):
    """Whether a gradient has the rows of a table that a batch looked up, and no others."""
    return USES_TENSORFLOW and isinstance(gradient, tf.IndexedSlices)


def dense(gradient):
    """A gradient as a tensor, where it has only the rows that were picked."""
    return tf.convert_to_tensor(gradient) if is_sparse(gradient) else gradient


def sum_over_replicas(x):
    """The sum of a tensor over the replicas of a `tf.distribute` strategy; itself where there is
    one. The gradient goes through it."""
    replicas = _replicas()
    return x if replicas is None else replicas.all_reduce(tf.distribute.ReduceOp.SUM, x)


def of_first_replica(x):
    """A tensor of the first replica of a `tf.distribute` strategy, to the bit, on all of them."""
    return x if _replicas() is None else _of_replica(0, x)


def first_row(x):
    """The first row of a batch, to the bit, on all replicas of a `tf.distribute` strategy, of which
    any may have no rows; zeros where none has."""
    row = ops.sum(x[:1], axis=0)
    replicas = _replicas()
    if replicas is None:
        return row
    own = tf.one_hot(replicas.replica_id_in_sync_group, replicas.num_replicas_in_sync)
    rows = sum_over_replicas(own * tf.cast(tf.shape(x)[0], own.dtype))
    return _of_replica(tf.argmax(rows > 0, output_type=tf.int32), row)


def _of_replica(replica, x):
    is_own = tf.equal(_replicas().replica_id_in_sync_group, replica)
    return sum_over_replicas(tf.where(is_own, x, tf.zeros_like(x)))


def _replicas():
    """The context of the replica that computes, if there are others."""
    context = tf.distribute.get_replica_context() if USES_TENSORFLOW else None
    return context if context is not None and context.num_replicas_in_sync > 1 else None
