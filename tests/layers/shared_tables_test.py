"""Fields that read the rows of one table."""

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from aim_keras.layers import FunctionWiseEmbedding
from aim_keras.models import FM, IPNN

DIM, FUNCTIONS = 3, 2
SHARED = {
    "item": 5,
    "hour": 4,
    "history": Field(5, 3, combiner="mean", table="item"),
    "last": Field(5, table="item"),
}
APART = {"item": 5, "hour": 4, "history": Field(5, 3, combiner="mean"), "last": 5}
IDS = np.array([[1, 3, 1, 2, -1, 4], [4, 0, -1, -1, -1, 4], [0, 2, 3, 3, 9, 1]], "int32")
KEPT = {
    "all": None,
    "equal": [[[0, 2], [1], [0, 2], [0, 2]], [[1], [], [1], [1]]],
    "others": [[[0], [1], [0, 2], []], [[], [0], [], [1]]],
    "of_one": [[[0], [1], [], [2]], [[], [0], [], [1]]],
    "none": [[[], [0], [], []], [[], [], [], []]],
}


def pair(dimensions, **options):
    """Layers of shared and of own tables that hold the same numbers."""
    layers = [
        FunctionWiseEmbedding(fields, DIM, FUNCTIONS, dimensions, **options)
        for fields in (SHARED, APART)
    ]
    for layer in layers:
        layer.build(IDS.shape)
    rng = np.random.default_rng(0)
    item, hour = rng.normal(size=(FUNCTIONS, 5, DIM)), rng.normal(size=(FUNCTIONS, 4, DIM))
    for layer in layers:
        layer.set_embeddings([[e, h, e, e] for e, h in zip(item, hour, strict=True)])
        if layer.linear:
            e, h = item[0, :, :1], hour[0, :, :1]
            layer.set_linear([e, h, e, e])
    return layers


def gradients(layer):
    """Of embeddings and linear weights: `[function][field]`."""
    with tf.GradientTape() as tape:
        outputs = layer(IDS)
        scales = np.random.default_rng(1)
        loss = sum(
            tf.reduce_sum(part * scales.normal(size=part.shape))
            for part in (outputs if layer.linear else [outputs])
        )
    found = tape.gradient(loss, [table.value for table in layer.tables])
    for table, gradient in zip(layer.tables, found, strict=True):
        table.assign(tf.convert_to_tensor(gradient))
    return layer.get_embeddings() + ([layer.get_linear()] if layer.linear else [])


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_shared_rows_are_equal_rows_of_each_field(kept, linear):
    shared, apart = pair(kept, linear=linear)
    for ours, theirs in zip(shared(IDS), apart(IDS), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_a_shared_rows_gradient_is_the_sum_of_the_fields(kept, linear):
    shared, apart = map(gradients, pair(kept, linear=linear))
    for ours, theirs in zip(shared, apart, strict=True):
        expected = [theirs[0] + theirs[2] + theirs[3], theirs[1]]
        for field, of_field in enumerate(ours):
            np.testing.assert_allclose(of_field, expected[field == 1], rtol=1e-5, atol=1e-6)


def test_a_row_stores_what_any_of_its_fields_keeps():
    layer, _ = pair(KEPT["others"], linear=True)
    assert [tuple(table.shape) for table in layer.tables] == [(4, 3), (5, 4)]
    assert pair(None)[0].tables[0].shape == (9, DIM * FUNCTIONS)


@pytest.mark.parametrize("kept", [KEPT["equal"], KEPT["others"]], ids=["equal", "others"])
def test_columns_of_a_compact_output_are_the_fields_own(kept):
    full, _ = pair(kept)
    compact, _ = pair(kept, compact=True)
    padded = np.concatenate([compact(IDS), np.zeros((len(IDS), 1))], axis=1)
    np.testing.assert_array_equal(padded[:, compact.columns], full(IDS))
    own = [[set(np.flatnonzero(of_field >= 0)) for of_field in row] for row in compact.columns]
    assert own == [[set(of_field) for of_field in row] for row in kept]


def test_a_field_that_keeps_nothing_is_not_read():
    (compact, apart), (linear, _) = (pair(KEPT["of_one"], compact=True, linear=x) for x in (0, 1))
    np.testing.assert_array_equal(compact.columns < 0, apart.columns < 0)
    assert compact(IDS).shape == compact.compute_output_shape(IDS.shape) == (3, 3 + 2 + 3)
    assert linear(IDS)[0].shape == linear.compute_output_shape(IDS.shape)[0] == (3, 4 + 3 + 4 + 4)


def test_values_of_one_table_must_be_equal():
    layer, _ = pair(None)
    values = layer.get_embeddings()
    values[1][3] = values[1][3] + 1
    with pytest.raises(ValueError, match=r"values\[1\]\[3\] must equal values\[1\]\[0\].* 'item'"):
        layer.set_embeddings(values)


def test_numbers_that_are_none_equal_themselves():
    layers = pair(None, linear=True)
    for layer in layers:
        layer.set_embeddings(
            [[x * np.nan for x in of_field] for of_field in layer.get_embeddings()]
        )
        layer.set_linear([x * np.nan for x in layer.get_linear()])
        assert np.isnan(layer.tables[0]).all()


def test_a_config_keeps_what_is_shared():
    layer, _ = pair(KEPT["others"], linear=True)
    again = FunctionWiseEmbedding.from_config(layer.get_config())
    again.build(IDS.shape)
    again.set_weights(layer.get_weights())
    for ours, theirs in zip(again(IDS), layer(IDS), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_retrained_model_reads_only_what_each_field_keeps():
    dimensions = {"item": (0,), "hour": (1,), "history": (0, 2), "last": (1, 2)}
    found = Architecture(
        tuple(SHARED),
        ("inner", "outer"),
        DIM,
        {"inner": [("item", "hour"), ("history", "last")], "outer": [("item", "history")]},
        {2: {"inner": dimensions, "outer": dimensions}},
    )
    shared, apart = (FM(fields, architecture=found, gated=False) for fields in (SHARED, APART))
    rng = np.random.default_rng(2)
    shared.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in shared.get_weights()])
    tables, own = shared.get_layer("embedding_2"), apart.get_layer("embedding_2")
    own.set_embeddings(tables.get_embeddings())
    own.set_linear(tables.get_linear())
    own.bias.assign(tables.bias)
    kernels = (model.get_layer("interaction_2") for model in (apart, shared))
    next(kernels).set_weights(next(kernels).get_weights())
    np.testing.assert_allclose(shared(IDS), apart(IDS), rtol=1e-5)
    assert shared.count_params() < apart.count_params()
    inputs = (IPNN(fields, architecture=found).get_layer("mlp").input for fields in (SHARED, APART))
    assert next(inputs).shape == next(inputs).shape
