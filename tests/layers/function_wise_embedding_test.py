import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.fields import COMBINERS, Field
from aim_keras.layers import FunctionWiseEmbedding, Linear

SIZES, FUNCTIONS, DIM = [4, 1, 6, 3, 5], 2, 4
OFFSETS = [0, 4, 5, 11, 14]
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 9) for size in SIZES], axis=1).astype("int32")
TABLE = RNG.normal(size=(sum(SIZES), FUNCTIONS * DIM)).astype("float32")

ALL = [0, 1, 2, 3]
KEPT = {
    "ragged": [[[0, 2], [1], [], [3], [0, 1, 2]], [[1], [], [2, 3], [0, 1], []]],
    "field_without_any": [[[], [0], [], [1, 3], []], [[], ALL, [], ALL, []]],
    "function_without_any": [[[]] * 5, [[0, 3], [1], [2], ALL, [1]]],
    "all": [[ALL] * 5] * 2,
    "none": [[[]] * 5] * 2,
}


def full():
    layer = FunctionWiseEmbedding(SIZES, DIM, FUNCTIONS)
    layer.build(IDS.shape)
    layer.set_weights([TABLE])
    return layer


def mask(kept):
    """1 at the kept positions, `(functions, fields, dim)`."""
    return np.array([[[float(j in positions) for j in ALL] for positions in row] for row in kept])


def compacted(table, kept):
    """The short rows of a full table: the kept columns, one table for each length of rows."""
    rows_by_length = {}
    for i, (size, offset) in enumerate(zip(SIZES, OFFSETS, strict=True)):
        columns = [k * DIM + j for k, row in enumerate(kept) for j in row[i]]
        rows = table[offset : offset + size][:, columns]
        rows_by_length.setdefault(len(columns), []).append(rows)
    return [np.concatenate(rows_by_length[n]) for n in sorted(rows_by_length) if n]


def compact(kept):
    layer = FunctionWiseEmbedding(SIZES, DIM, FUNCTIONS, kept)
    layer.build(IDS.shape)
    layer.set_weights(compacted(TABLE, kept))
    return layer


def gradients(layer, scale):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(IDS) * scale)
    tables = [table.value for table in layer.trainable_variables]
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, tables)]


@pytest.mark.parametrize("functions", [1, 2])
def test_equals_the_definition(functions):
    layer = FunctionWiseEmbedding(SIZES, DIM, functions)
    outputs = layer(IDS).numpy()
    (table,) = layer.get_weights()
    assert table.shape == (sum(SIZES), functions * DIM)
    for b, k, i, j in np.ndindex(outputs.shape):
        assert outputs[b, k, i, j] == table[OFFSETS[i] + IDS[b, i], k * DIM + j]


def test_one_function_is_an_ordinary_embedding():
    layer = FunctionWiseEmbedding(SIZES, DIM)
    outputs = layer(IDS).numpy()
    for i, (size, offset) in enumerate(zip(SIZES, OFFSETS, strict=True)):
        ordinary = keras.layers.Embedding(size, DIM)
        ordinary.build()
        ordinary.set_weights([layer.get_weights()[0][offset : offset + size]])
        np.testing.assert_array_equal(outputs[:, 0, i], ordinary(IDS[:, i]))


@pytest.mark.parametrize("make", [full, lambda: compact(KEPT["ragged"])], ids=["full", "compact"])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_unknown_ids_read_row_zero_of_their_field(make, dtype):
    layer = make()
    limits = np.iinfo(dtype)
    for i, size in enumerate(SIZES):
        known = IDS.astype(dtype)
        known[:, i] = 0
        for bad in (-1, -size, size, size + 1, sum(SIZES), limits.min, limits.max):
            ids = known.copy()
            ids[:, i] = bad
            np.testing.assert_array_equal(layer(ids), layer(known))


@pytest.mark.parametrize("kept", [None, *KEPT.values()], ids=["full", *KEPT])
def test_set_embeddings_stores_the_kept_positions(kept):
    layer = FunctionWiseEmbedding(SIZES, DIM, FUNCTIONS, kept)
    layer.build(IDS.shape)
    layer.set_embeddings(
        [
            [
                TABLE[o : o + size, k * DIM : (k + 1) * DIM]
                for o, size in zip(OFFSETS, SIZES, strict=True)
            ]
            for k in range(FUNCTIONS)
        ]
    )
    expected = [TABLE] if kept is None else compacted(TABLE, kept)
    for table, values in zip(layer.tables, expected, strict=True):
        np.testing.assert_array_equal(table, values)


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT.keys())
def test_compact_equals_the_masked_full_table(kept):
    layer = compact(kept)
    np.testing.assert_array_equal(layer(IDS), full()(IDS).numpy() * mask(kept))
    stored = sum(size * sum(len(row[i]) for row in kept) for i, size in enumerate(SIZES))
    assert layer.count_params() == stored


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT.keys())
def test_compact_gradient_equals_the_masked_full_gradient(kept):
    scale = RNG.normal(size=(len(IDS), FUNCTIONS, len(SIZES), DIM)).astype("float32")
    (of_full,) = gradients(full(), scale * mask(kept))
    expected = compacted(of_full, kept)
    for gradient, masked in zip(gradients(compact(kept), scale), expected, strict=True):
        np.testing.assert_allclose(gradient, masked, rtol=1e-6, atol=1e-7)


def test_only_the_rows_of_the_batch_get_a_gradient():
    (gradient,) = gradients(full(), np.float32(1))
    read = {OFFSETS[i] + row[i] for row in IDS for i in range(len(SIZES))}
    assert set(np.flatnonzero(gradient.any(axis=1))) == read


@pytest.mark.parametrize("dimensions", [None, KEPT["ragged"]])
def test_regularizer_takes_the_whole_tables(dimensions):
    layer = FunctionWiseEmbedding(
        SIZES, DIM, FUNCTIONS, dimensions, "normal", keras.regularizers.L2(0.3)
    )
    layer(IDS[:1])
    expected = 0.3 * sum(np.square(table).sum() for table in layer.get_weights())
    assert float(sum(layer.losses)) == pytest.approx(expected, rel=1e-5)


def test_tables_start_apart():
    initializer = keras.initializers.RandomNormal(stddev=0.3)
    kept = [[[0, 1], [0, 1, 2]]]
    tables = []
    for _ in range(2):
        layer = FunctionWiseEmbedding([50, 50], DIM, 1, kept, initializer)
        layer.build((None, 2))
        tables += [table.ravel()[:100] for table in layer.get_weights()]
    correlation = np.corrcoef(tables) - np.eye(4)
    assert np.abs(correlation).max() < 0.4
    assert np.std(tables) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([[], 4], r"a size or a Field for each field. Received: vocabulary_sizes=\[\]"),
        ([[3, 0], 4], r"vocabulary_sizes\[1\]: size must be an integer >= 1. Received: size=0"),
        ([[3, {"size": 2, "long": 1}], 4], r"\[1\]: A field must have a Field's arguments"),
        ([[3], 0], "embedding_dim must be at least 1. Received: embedding_dim=0"),
        ([[3], 4, 0], "num_functions must be at least 1. Received: num_functions=0"),
        ([[3, 2], 4, 1, [[[0]]]], r"for each of the 2 fields. Received: 1 functions with \[1\]"),
        ([[3], 4, 2, [[[0]]]], r"for each of the 2 functions.*Received: 1 functions with \[1\]"),
        ([[3], 4, 1, [[[4]]]], r"increasing and within 0 ... 3. Received: \[4\]"),
        ([[3], 4, 1, [[[-1]]]], r"within 0 ... 3. Received: \[-1\]"),
        ([[3], 4, 1, [[[1, 0]]]], r"increasing and within 0 ... 3. Received: \[1, 0\]"),
        ([[3], 4, 1, [[[1, 1]]]], r"increasing and within 0 ... 3. Received: \[1, 1\]"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        FunctionWiseEmbedding(*arguments)


@pytest.mark.parametrize("shape", [(2, 4), (2,), (2, 5, 1)])
def test_shape_errors(shape):
    with pytest.raises(
        ValueError, match=r"ids of shape \(batch, 5\), in the order of the fields. Received: shape"
    ):
        FunctionWiseEmbedding(SIZES, DIM)(np.zeros(shape, "int32"))


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
