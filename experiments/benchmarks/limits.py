"""What the machine allows: a step's least milliseconds by arithmetic and by memory."""

import itertools

import numpy as np
import tensorflow as tf

from experiments.benchmarks.timing import calling, interleaved, medians

WIDTH = 700  # of the multiplied matrices: the MLP's
STREAMED = 1 << 26  # numbers: 256 MB, far above any cache
MATMUL_FLOPS = 2 * 2000 * WIDTH * WIDTH
STREAM_BYTES = 3 * 4 * STREAMED  # two arrays read, one written


def sides(calls=5):
    """The repetitions, `{name: repetition}`, that measure both rates beside a model."""
    left, right = tf.random.normal((2000, WIDTH)), tf.random.normal((WIDTH, WIDTH))
    total, term = tf.Variable(tf.zeros(STREAMED)), tf.ones(STREAMED)
    multiply = tf.function(lambda step: tf.matmul(left, right))
    return {
        "matmul": calling(multiply, [tf.constant(0)], 5 * calls),
        "stream": calling(lambda step: total.assign_add(term, read_value=False), [None], calls),
    }


def rates(milliseconds):
    """`(flops a second, bytes a second)` of the medians of both sides."""
    seconds = {name: milliseconds[name] / 1000 for name in ("matmul", "stream")}
    return MATMUL_FLOPS / seconds["matmul"], STREAM_BYTES / seconds["stream"]


def work(shape, ids, row_width, mlp=(), values=0, value_flops=0, training=True):
    """`(flops, bytes)` that a step cannot do without.

    Flops are those of the MLP and of the interactions' values, forward and, in training, twice that
    backward. Bytes: of each distinct row of a batch the weights are read, in training Adam's two
    moments too, and all three written; of each embedding in the batch the value is written and
    read, in training its gradient too, and so is each value that batch norm reads in training; the
    MLP's weights are read, in training their moments too, and gradients and all three written.

    Args:
        shape: `Shape`.
        ids: Integer array `(number, batch, fields)`: the batches.
        row_width: Number of weights in a row, the linear weight included.
        mlp: Widths of the MLP from its input to its last hidden layer; none for no MLP.
        values: Number of values of interactions that batch norm reads.
        value_flops: Flops of all values of a row, forward.
        training: Boolean, whether it is a training step or inference.
    """
    widths = [*mlp, 1] if mlp else []
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    offsets = np.cumsum([0, *shape.sizes[:-1]])
    distinct = np.mean([len(np.unique(batch + offsets)) for batch in ids])
    batch, row = shape.batch_size, 4 * row_width
    looked_up = batch * len(shape.sizes) * row
    flops = batch * (2 * weights + value_flops)
    if not training:
        return flops, distinct * row + 2 * looked_up + 4 * weights
    moved = 6 * distinct * row + 4 * looked_up + 4 * 4 * batch * values + 9 * 4 * weights
    return 3 * flops, moved


def measured():
    """`rates`, measured now."""
    return rates(medians(interleaved(sides(calls=3), 3)))


def least_milliseconds(work, rates):
    """The longer one of what arithmetic and memory take at these rates."""
    return 1000 * max(amount / rate for amount, rate in zip(work, rates, strict=True))
