"""What the machine allows: a training step's least milliseconds by arithmetic and by memory."""

import itertools

import numpy as np
import tensorflow as tf

from experiments.benchmarks.timing import calling

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


def training_work(shape, ids, interactions=0, hidden_units=()):
    """`(flops, bytes)` that a training step cannot do without.

    Flops are those of the MLP, forward and twice that backward. Bytes: of each distinct row of a
    batch the weights and Adam's two moments are read and written; of each embedding in the batch
    the value is written and read, and so is its gradient; the MLP's weights are read, and their
    gradients, values and moments read and written.

    Args:
        shape: `Shape`.
        ids: Integer array `(number, batch, fields)`: the batches.
        interactions: Number of values that the MLP reads beside the embeddings.
        hidden_units: Widths of the MLP's hidden layers; none for no MLP.
    """
    width = len(shape.sizes) * shape.embedding_dim + interactions
    widths = [width, *hidden_units, 1] if hidden_units else []
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    offsets = np.cumsum([0, *shape.sizes[:-1]])
    distinct = np.mean([len(np.unique(batch + offsets)) for batch in ids])
    row = 4 * (shape.embedding_dim + 1)  # bytes, with the linear weight
    embeddings = shape.batch_size * len(shape.sizes) * row
    return 6 * shape.batch_size * weights, 6 * distinct * row + 4 * embeddings + 9 * 4 * weights


def least_milliseconds(work, milliseconds):
    """The longer one of what arithmetic and memory take, from the medians of both sides."""
    return 1000 * max(amount / rate for amount, rate in zip(work, rates(milliseconds), strict=True))
