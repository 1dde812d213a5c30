"""Interactions of a compact embedding, of which only the kept dimensions are stored."""

import numpy as np
import pytest

from aim_keras.layers import GatedInteraction
from tests.layers.built_interaction import BATCH, DIM, FIELDS, FUNCTIONS, built


@pytest.mark.parametrize(
    ("columns", "shape", "received"),
    [
        ([[[0, 1], [2, -1]]], (4, 2), r"columns of shape \(1, 2, 2\) up to 2"),
        ([[[0, 1], [2, -1]]], (4, 3, 1), r"input shape \(4, 3, 1\)"),
        ([[0, 1], [2, -1]], (4, 3), r"columns of shape \(2, 2\)"),
    ],
)
def test_columns_that_the_input_does_not_have(columns, shape, received):
    layer = GatedInteraction(fields=["a", "b"], columns=columns)
    with pytest.raises(ValueError, match=rf"each below the width of the input.*{received}"):
        layer.build(shape)


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("summed", [False, True])
def test_kept_dimensions_give_what_embeddings_with_zeros_give(order, summed):
    rng = np.random.default_rng(order)
    kept = rng.random((len(FUNCTIONS), FIELDS, DIM)) < 0.7
    kept[0, 0] = kept[1, 1] = False
    columns = np.full(kept.shape, -1)
    columns[kept] = rng.permutation(kept.sum() + 2)[: kept.sum()]  # two that nothing reads
    compact = rng.normal(size=(BATCH, kept.sum() + 2)).astype("float32")
    embeddings = np.where(kept, compact[:, columns], 0)
    options = {"return_products": True, "summed": summed}
    full, _ = built(order, "sparse", **options)
    layer = GatedInteraction.from_config({**full.get_config(), "columns": columns.tolist()})
    layer.build(compact.shape)
    layer.set_weights(full.get_weights())
    for training in (False, True):
        outputs, products = layer(compact, training=training)
        expected, all_products = full(embeddings, training=training)
        np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)
        live = np.any(all_products.numpy() != 0, axis=0)
        np.testing.assert_allclose(products, all_products.numpy()[:, live], rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(compact.shape) == (
        tuple(outputs.shape),
        tuple(products.shape),
    )
