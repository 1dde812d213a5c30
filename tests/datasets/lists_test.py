import numpy as np
import pytest
import tensorflow as tf

from aim_keras.datasets.lists import padded

LISTS = [[3, 1], [], [4, 5, 6, 7], [8, 9, 2]]
PADDED = [[3, 1, -1], [-1, -1, -1], [4, 5, 6], [8, 9, 2]]


@pytest.mark.parametrize("lists", [LISTS, tuple(map(np.array, LISTS)), tf.ragged.constant(LISTS)])
def test_lists_are_filled_up_or_cut(lists):
    ids = padded(lists, 3)
    np.testing.assert_array_equal(ids, PADDED)
    assert ids.dtype == np.int32


@pytest.mark.parametrize("lists", [[[0.5], []], tf.ragged.constant([[0.5], []])])
def test_weights(lists):
    weights = padded(lists, 2, padding=0, dtype=np.float32)
    np.testing.assert_array_equal(weights, [[0.5, 0], [0, 0]])
    assert weights.dtype == np.float32


def test_no_lists():
    assert padded([], 4).shape == (0, 4)


def test_in_a_stream():
    dataset = tf.data.Dataset.from_tensor_slices(tf.ragged.constant(LISTS)).batch(4)
    (ids,) = dataset.map(lambda lists: padded(lists, 3))
    np.testing.assert_array_equal(ids, PADDED)
    assert ids.shape == (4, 3)
