import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.architecture import Architecture
from aim_keras.layers import FunctionWiseEmbedding, GatedInteraction

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


def test_tables_start_small():
    layer = FunctionWiseEmbedding([1000], 10)
    layer.build((None, 1))
    assert np.std(layer.get_weights()[0]) == pytest.approx(0.01, rel=0.05)


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
        ([[3], 0], "embedding_dim must be an integer >= 1. Received: embedding_dim=0"),
        ([[3], 4, 0], "num_functions must be an integer >= 1. Received: num_functions=0"),
        ([[3, 2], 4, 1, [[[0]]]], r"for each of the 2 fields. Received: 1 functions with \[1\]"),
        ([[3], 4, 2, [[[0]]]], r"for each of the 2 functions.*Received: 1 functions with \[1\]"),
        ([[3], 4, 1, [[[4]]]], r"increasing integers within 0 ... 3. Received: \[4\]"),
        ([[3], 4, 1, [[[-1]]]], r"within 0 ... 3. Received: \[-1\]"),
        ([[3], 4, 1, [[[0.7, 1.2]]]], r"dimensions\[0\]\[0\]: .* integers .*: \[0.7, 1.2\]"),
        ([[3], 4, 1, [[[1, 0]]]], r"increasing integers within 0 ... 3. Received: \[1, 0\]"),
        ([[3], 4, 1, [[[1, 1]]]], r"increasing integers within 0 ... 3. Received: \[1, 1\]"),
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


FOUND = Architecture(
    ("a", "b", "c"),
    ("inner", "outer"),
    3,
    {"outer": [("a", "c")], "inner": [("a", "b"), ("b", "c")]},
    {2: {k: {"a": (0, 2), "b": (0, 1, 2), "c": (2,)} for k in ("inner", "outer")}},
)


@pytest.mark.parametrize("compact", [False, True])
def test_an_architectures_dimensions_go_into_a_users_model(compact):
    """Whose fields have another order."""
    sizes = {"c": 4, "a": 5, "b": 6}
    embedding = FunctionWiseEmbedding.from_architecture(FOUND, sizes, compact=compact)
    columns = {"columns": embedding.columns} if compact else {}
    interactions = GatedInteraction.from_architecture(FOUND, fields=tuple(sizes), **columns)
    ids = np.array([[3, 4, 5], [0, 1, 2]])
    outputs = interactions(embedding(ids))
    assert embedding.num_functions == 2
    assert sum(w.shape[0] * w.shape[1] for w in embedding.weights) == 2 * (4 * 1 + 5 * 2 + 6 * 3)
    full = FunctionWiseEmbedding(sizes.values(), 3, num_functions=2)
    full(ids)
    full.set_embeddings(embedding.get_embeddings())
    of_full = GatedInteraction.from_architecture(FOUND, fields=tuple(sizes))
    expected = of_full(full(ids))
    of_full.set_weights(interactions.get_weights())
    np.testing.assert_allclose(outputs, of_full(full(ids)), rtol=1e-5)
    assert outputs.shape == expected.shape == (2, 3)


@pytest.mark.parametrize(
    ("sizes", "order", "received"),
    [({"a": 5, "b": 6}, 2, "fields"), (dict.fromkeys("abc", 5), 3, r"orders \(2,\)")],
)
def test_from_architecture_errors(sizes, order, received):
    with pytest.raises(ValueError, match=f"architecture must have the fields .*{received}"):
        FunctionWiseEmbedding.from_architecture(FOUND, sizes, order)


def test_a_built_layer_takes_all_fields():
    layer = FunctionWiseEmbedding([4, 5, 6], 3)
    layer(np.zeros((2, 3), "int32"))
    for columns in (1, 2, 4):
        with pytest.raises(ValueError, match="incompatible with the layer"):
            layer(np.zeros((2, columns), "int32"))


def arrays(*rows, dim=2):
    return [np.ones((size, dim)) for size in rows]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([arrays(3, 4)], "values must hold the arrays of 2 functions. Received: of 1"),
        ([arrays(3, 4), arrays(3)], r"values\[1\] must hold an array for each of 2 fields.*: 1"),
        ([arrays(4, 3)] * 2, r"values\[0\]\[0\] .* row of 2 for each of 3 ids.*shape \(4, 2\)"),
        ([arrays(3, 4, dim=5)] * 2, r"values\[0\]\[0\] .*Received: shape \(3, 5\)"),
    ],
)
def test_set_embeddings_errors(values, message):
    layer = FunctionWiseEmbedding([3, 4], 2, 2)
    layer.build((None, 2))
    with pytest.raises(ValueError, match=message):
        layer.set_embeddings(values)


def test_set_linear_errors():
    layer = FunctionWiseEmbedding([3, 4], 2, linear=True)
    layer.build((None, 2))
    with pytest.raises(ValueError, match=r"weights\[1\] .* row of 1 for each of 4 ids.*\(3, 1\)"):
        layer.set_linear(arrays(3, 3, dim=1))


def test_embeddings_are_read_and_set_without_rounding():
    layer = FunctionWiseEmbedding([3, 4], 2, linear=True, dtype="float64")
    layer.build((None, 2))
    (before,) = [table.numpy() for table in layer.tables]
    layer.set_linear(layer.get_linear())
    layer.set_embeddings(layer.get_embeddings())
    np.testing.assert_array_equal(layer.tables[0], before)


def test_an_initializer_that_is_a_function():
    layer = FunctionWiseEmbedding([3, 4], 2, initializer=lambda shape, dtype=None: np.ones(shape))
    assert np.array(layer(np.array([[2, 3]]))).min() == 1


def test_sizes_by_name():
    for names in ("ab", (1, 2)):
        layer = FunctionWiseEmbedding(dict(zip(names, (30, 4), strict=True)), 2)
        assert layer.vocabulary_sizes == [30, 4]
