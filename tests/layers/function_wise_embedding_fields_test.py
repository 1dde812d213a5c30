"""Embeddings of lists, weighted ids and numbers, and the linear term beside them."""

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.fields import COMBINERS, Field
from aim_keras.layers import FunctionWiseEmbedding, Linear
from tests.layers.function_wise_embedding_test import ALL, DIM, IDS, SIZES, TABLE, mask

NAN = float("nan")
KINDS = [  # in an order that mixes kinds, lengths and weights
    *(Field(4, 3, combiner=combiner) for combiner in COMBINERS),
    4,
    *(Field(4, 3, True, combiner) for combiner in COMBINERS),
    Field(1, weighted=True),
    Field(5, 2, True),
    3,
    Field(4, weighted=True),
]
LISTS = [  # ids and weights: full, padded anywhere, empty, unknown ids, weights that cancel
    ([1, 3, 1], [2.0, -0.5, 1.0]),
    ([-1, 2, -1], [NAN, 0.5, np.inf]),
    ([-1, -1, -1], [NAN, 1.0, 0.0]),
    ([4, -2, 99], [1.5, 0.5, 0.0]),
    ([1, 2, -1], [1.0, -1.0, 5.0]),
    ([3, 3, 2], [0.0, 0.0, 0.0]),
]


def mixed():
    """Features `(batch, columns)` and weights `(batch, weighted columns)` of `KINDS`."""
    rng = np.random.default_rng(3)
    ids, weights = [], []
    for b, (listed, w) in enumerate(LISTS):
        numbers = rng.normal(size=4).tolist()
        pair, single = [4, -1] if b % 2 else [-1, 1], [2, 4, -1, 0, 3, 1][b]
        ids.append([*3 * listed, single, *3 * listed, 0, *pair, b % 3, single])
        weights.append([*3 * w, *numbers])
    return np.array(ids, "int32"), np.array(weights, "float32")


def pooled(tables, ids, weights):
    """The definition in loops: `(batch, fields, width)` of a table for each field."""
    outputs = np.zeros((len(ids), len(tables), tables[0].shape[1]))
    for b in range(len(ids)):
        columns, of_weights = iter(ids[b]), iter(weights[b])
        for i, (kind, table) in enumerate(zip(KINDS, tables, strict=True)):
            field = Field(kind) if isinstance(kind, int) else kind
            total, row = [], np.zeros(table.shape[1])
            for _ in range(field.length):
                j, w = next(columns), next(of_weights) if field.weighted else 1.0
                if j == -1 and field.length > 1:
                    continue
                row += float(w) * table[j if 0 <= j < field.size else 0]
                total.append(float(w))
            divisor = {
                "sum": 1.0,
                "mean": sum(total),
                "sqrtn": np.sqrt(sum(w**2 for w in total)),
            }[field.combiner]
            outputs[b, i] = row / divisor if divisor else 0.0
    return outputs


def tables_of(kinds, width, seed=5):
    rng = np.random.default_rng(seed)
    sizes = [kind if isinstance(kind, int) else kind.size for kind in kinds]
    return [rng.normal(size=(size, width)).astype("float32") for size in sizes]


@pytest.mark.parametrize("functions", [1, 2])
def test_pooling_equals_the_definition(functions):
    ids, weights = mixed()
    tables = tables_of(KINDS, functions * DIM)
    layer = FunctionWiseEmbedding(KINDS, DIM, functions)
    layer.build([ids.shape, weights.shape])
    layer.set_weights([np.concatenate(tables)])
    expected = pooled(tables, ids, weights).reshape(len(ids), len(KINDS), functions, DIM)
    for inputs in ([ids, weights], (ids.astype("int64"), weights.astype("float64"))):
        np.testing.assert_allclose(layer(inputs), expected.swapaxes(1, 2), rtol=1e-5, atol=1e-6)


def test_compact_pooling_equals_the_masked_definition():
    ids, weights = mixed()
    kept = [[[0, 2], [1], [], [3], ALL, [0], [1, 2], [0, 1, 3], [], [2], [1, 3]]] * 2
    tables = tables_of(KINDS, 2 * DIM)
    layer = FunctionWiseEmbedding(KINDS, DIM, 2, kept)
    layer.build([ids.shape, weights.shape])
    rows_by_length = {}
    for i, table in enumerate(tables):
        columns = [k * DIM + j for k in range(2) for j in kept[k][i]]
        rows_by_length.setdefault(len(columns), []).append(table[:, columns])
    layer.set_weights([np.concatenate(rows_by_length[n]) for n in sorted(rows_by_length) if n])
    expected = pooled(tables, ids, weights).reshape(len(ids), len(KINDS), 2, DIM).swapaxes(1, 2)
    np.testing.assert_allclose(layer([ids, weights]), expected * mask(kept), rtol=1e-5, atol=1e-6)


def test_linear_term_of_pooled_fields_equals_the_definition():
    ids, weights = mixed()
    tables = tables_of(KINDS, 1)
    layer = Linear(KINDS)
    layer.build([ids.shape, weights.shape])
    layer.weights_by_feature.set_weights([np.concatenate(tables)])
    layer.bias.assign([0.5])
    expected = pooled(tables, ids, weights).sum(axis=1) + 0.5
    np.testing.assert_allclose(layer([ids, weights]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kept", [None, [[[0], [], [1, 2], [0, 1], [2]], [[1], [], [], [2], [0]]]])
def test_linear_term_beside_the_embeddings_is_that_of_its_own_layer(kept):
    ids, weights = mixed()
    kept = kept and [(row * len(KINDS))[: len(KINDS)] for row in kept]
    plain = FunctionWiseEmbedding(KINDS, DIM, 2, kept)
    both = FunctionWiseEmbedding(KINDS, DIM, 2, kept, linear=True)
    alone = Linear(KINDS)
    for layer in (plain, both, alone):
        layer.build([ids.shape, weights.shape])
    assert not any(np.any(column) for column in both.get_linear())
    values, linear = [tables_of(KINDS, DIM, seed) for seed in (1, 2)], tables_of(KINDS, 1)
    plain.set_embeddings(values)
    both.set_linear(linear)
    both.set_embeddings(values)
    both.bias.assign([0.5])
    alone.weights_by_feature.set_embeddings([linear])
    alone.bias.assign([0.5])
    for of_field, expected in zip(both.get_embeddings(), plain.get_embeddings(), strict=True):
        for a, b in zip(of_field, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    e, term = both([ids, weights])
    np.testing.assert_array_equal(e, plain([ids, weights]))
    np.testing.assert_allclose(term, alone([ids, weights]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_empty_list_gives_exact_zeros_and_finite_gradients(combiner, weighted):
    layer = FunctionWiseEmbedding([Field(4, 3, weighted, combiner)], DIM, initializer="ones")
    ids = tf.constant([[-1, -1, -1], [1, -1, 2]])
    weights = tf.constant([[NAN, 1.0, 0.0], [1.0, NAN, 2.0]])
    layer.build([ids.shape, weights.shape] if weighted else ids.shape)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        outputs = layer([ids, weights] if weighted else ids)
        loss = tf.reduce_sum(outputs**2)
    np.testing.assert_array_equal(outputs[0], np.zeros((1, 1, DIM)))
    sources = [layer.tables[0].value, *([weights] if weighted else [])]
    for gradient in tape.gradient(loss, sources):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_lists_are_pooled_in_full_precision(dtype):
    length = 3000  # Sums of ones stop at 256 in bfloat16 and at 2048 in float16.
    layer = FunctionWiseEmbedding(
        [Field(1, length, combiner="mean"), Field(1, weighted=True)],
        1,
        initializer="ones",
        dtype=f"mixed_{dtype}",
    )
    outputs = layer([np.zeros((1, length + 1), "int32"), np.array([[1.0]], "float32")])
    np.testing.assert_allclose(tf.cast(outputs, "float32").numpy().ravel(), [1.0, 1.0])


def test_plain_sizes_and_fields_are_one():
    plain = FunctionWiseEmbedding(SIZES, DIM)
    fields = FunctionWiseEmbedding([Field(size, combiner="mean") for size in SIZES], DIM)
    for layer in (plain, fields):
        layer.build(IDS.shape)
        layer.set_weights([TABLE[:, :DIM]])
    np.testing.assert_array_equal(plain(IDS), fields(IDS))


@pytest.mark.parametrize(
    "shapes", [[(2, 23), (2, 13)], [(2, 24), (2, 12)], (2, 24), [(2, 24), (2, 13), (2, 1)]]
)
def test_shape_errors_with_weights(shapes):
    ids, weights = mixed()
    assert (ids.shape[1], weights.shape[1]) == (24, 13)
    with pytest.raises(
        ValueError, match=r"\(batch, 24\) and weights of shape \(batch, 13\), in the order"
    ):
        FunctionWiseEmbedding(KINDS, DIM).build(shapes)
