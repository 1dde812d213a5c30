import numpy as np
import pytest
import tensorflow as tf

from aim_keras.layers.weighted_products import rows, weighted_products

PART, OTHER = np.array([0, 0, 1, 2]), np.array([1, 2, 0, 2])


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1], [1, 3]])
def test_values_and_gradients_whichever_rows_are_read(order):
    rng = np.random.default_rng(0)
    shapes = (3, 2, 5), (3, 2, 5), (4, 2)
    arguments = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
    upstream = tf.constant(rng.normal(size=(len(order), 5)), tf.float32)

    def plain(shared, others, weights):
        products = tf.gather(shared, PART) * tf.gather(others, OTHER)
        return tf.reduce_sum(weights[:, :, None] * products, axis=1)

    results = []
    for function in (lambda *a: weighted_products(*a, PART, OTHER), plain):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            values = rows(function(*arguments), np.array(order))
            loss = tf.reduce_sum(upstream * values)
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, arguments))
        results.append([values, *gradients])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
