"""Sums of interactions, beside the interactions."""

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.layers import GatedInteraction
from tests.layers.built_interaction import BATCH, DIM, FIELDS, NAMES, built


@pytest.mark.parametrize("kind", ["full", "one_list", "sparse"])
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("return_products", [False, True])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_sum_is_that_of_the_columns(order, return_products, gated, kind):
    options = {"gated": gated, "return_products": return_products}
    summed, embeddings = built(order, kind, summed=True, **options)
    columns, _ = built(order, kind, **options)
    for training in (False, True):
        total, values = (layer(embeddings, training=training) for layer in (summed, columns))
        if return_products:
            np.testing.assert_array_equal(total[1], values[1])
            total, values = total[0], values[0]
        expected = np.sum(values, axis=1, keepdims=True)
        np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-4)
    for a, b in zip(summed.get_weights(), columns.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("gated", [False, True])
def test_the_sum_of_no_columns_is_zero(gated):
    layer = GatedInteraction(interactions=[], fields=NAMES, gated=gated, summed=True)
    embeddings = np.ones((BATCH, FIELDS, DIM), "float32")
    for training in (False, True):
        np.testing.assert_array_equal(layer(embeddings, training=training), np.zeros((BATCH, 1)))


@pytest.mark.parametrize("kind", ["full", "sparse"])
@pytest.mark.parametrize("order", [2, 3])
def test_the_gradient_of_the_sum_is_that_of_the_columns(order, kind):
    summed, embeddings = built(order, kind, summed=True)
    columns, _ = built(order, kind)
    row = np.linspace(-1, 1, BATCH)[:, None].astype("float32")
    for training in (False, True):
        gradients = []
        for layer in (summed, columns):
            e = tf.constant(embeddings)
            with tf.GradientTape() as tape:
                tape.watch(e)
                loss = tf.reduce_sum(row * layer(e, training=training))
            weights = [w.value for w in layer.trainable_variables]
            gradients.append(tape.gradient(loss, [e, *weights]))
        for a, b in zip(*gradients, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_16_bits_are_as_exact_at_inference_as_the_columns(dtype):
    """Of embeddings far from 0, whose products are large beside their differences."""
    columns, embeddings = built(2, dtype=dtype)
    embeddings += 3
    norm = columns.batch_norm
    values = built(2, gated=False)[0](embeddings)
    norm.moving_mean.assign(np.mean(values, axis=0))
    norm.moving_variance.assign(np.var(values, axis=0))
    summed, _ = built(2, summed=True, dtype=dtype)
    summed.set_weights(columns.get_weights())
    columns, total = (np.float32(layer(embeddings)) for layer in (columns, summed))
    step = {"mixed_bfloat16": 2**-8, "mixed_float16": 2**-11}[dtype]
    rounding = step * np.abs(columns).sum(axis=1)
    assert (np.abs(columns.sum(axis=1) - total[:, 0]) < rounding).all()
