"""Lists of any length as the padded arrays that multi-valued fields take."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aim_keras.fields import PADDING


def padded(lists: Sequence | tf.RaggedTensor, length: int, padding=PADDING, dtype=np.int32):
    """Lists cut after `length` items and filled up: an array or tensor `(rows, length)`.

    Args:
        lists: sequence of sequences, or a `tf.RaggedTensor` `(rows, None)`, also in a
            `tf.data.Dataset.map`.
        length: int, the number of places.
        padding: what fills a place. Defaults to -1, as ids have it; for weights take 0.
        dtype: of the result. Defaults to int32; for weights take float32.

    Example:

    ```pycon
    >>> padded([[3, 1], [], [4, 5, 6, 7]], 3)
    array([[ 3,  1, -1], [-1, -1, -1], [ 4,  5,  6]], dtype=int32)
    ```
    """
    if isinstance(lists, tf.RaggedTensor):
        return tf.cast(lists, dtype).to_tensor(padding, shape=(None, length))
    array = np.full((len(lists), length), padding, dtype)
    for row, items in zip(array, lists, strict=True):
        items = items[:length]
        row[: len(items)] = items
    return array
