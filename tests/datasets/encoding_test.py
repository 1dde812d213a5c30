import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from aim_keras.datasets import encoding
from aim_keras.datasets.counts import Counts
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.number_encodings import Dense, Numerical
from aim_keras.fields import Field


def _column(seed, rows, values):
    rng = np.random.default_rng(seed)
    return [str(v) for v in (rng.pareto(0.7, rows) * 3).astype(int) % values - 2]


def _naive_boundaries(column, bucket_count):
    """The definition, by hand: grow a bucket over sorted rows, close it at a value's end."""
    ordered = sorted(float(v) if v else -np.inf for v in column)
    boundaries, held = [], 0
    for i, value in enumerate(ordered):
        held += 1
        if held > bucket_count and (i + 1 == len(ordered) or ordered[i + 1] != value):
            boundaries.append(value)
            held = 0
    return boundaries[:-1] if boundaries and boundaries[-1] == ordered[-1] else boundaries


@pytest.mark.parametrize("min_count", [1, 2, 5, 1000])
def test_categorical_equals_naive_definition(min_count):
    column = [*_column(0, 2000, 90), "", "", "", "", ""]
    counts = Counter(column)
    field = Categorical.learn(counts, min_count)

    ranked = sorted((-n, v) for v, n in counts.items() if n >= min_count)
    naive = {value: i + 1 for i, (_, value) in enumerate(ranked)}
    seen = [*column, "unseen"]

    assert field.vocabulary_size == len(naive) + 1
    ids = field.encode(seen)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, [naive.get(v, 0) for v in seen])


def test_categorical_order_is_by_count_then_value_and_not_by_arrival():
    assert Categorical.learn({"b": 2, "a": 2, "z": 9, "c": 1}).values == ("z", "a", "b", "c")
    assert Categorical.learn({"z": 9, "a": 2, "c": 1, "b": 2}).values == ("z", "a", "b", "c")


def test_categorical_empty_string_is_a_value():
    field = Categorical.learn({"": 3, "x": 1}, 2)
    np.testing.assert_array_equal(field.encode(["", "x", "y"]), [1, 0, 0])


@pytest.mark.parametrize("missing", [0, 3, 200])
@pytest.mark.parametrize("bucket_count", [1, 7, 40, 10_000])
def test_numerical_equals_naive_definition(missing, bucket_count):
    column = _column(1, 1500, 400) + [""] * missing
    field = Numerical.learn(Counter(column), bucket_count)

    boundaries = _naive_boundaries(column, bucket_count)
    unseen = ["-999999", "123456789", "17", "-0"]
    naive = [1 + sum(b < (float(v) if v else -np.inf) for b in boundaries) for v in column + unseen]

    assert field.vocabulary_size == len(boundaries) + 2
    np.testing.assert_array_equal(field.encode(column + unseen), naive)
    counts = np.bincount(field.encode(column))
    assert len(counts) == field.vocabulary_size, "every bucket has train rows"
    assert all(counts[1:-1] > bucket_count)


def test_numerical_missing_unseen_in_train_is_out_of_vocabulary():
    field = Numerical.learn({"1": 50, "2": 50}, 40)
    np.testing.assert_array_equal(field.encode(["", "1", "2", "99"]), [0, 1, 2, 2])
    field = Numerical.learn({"1": 50, "2": 50, "": 1}, 40)
    np.testing.assert_array_equal(field.encode(["", "1", "2"]), [1, 1, 2])


def test_numerical_equals_keras_discretization_of_shifted_boundaries():
    import keras

    field = Numerical.learn(Counter(_column(2, 800, 100)), 20)
    layer = keras.layers.Discretization(bin_boundaries=[b + 1.0 for b in field.boundaries])
    values = np.arange(-5, 110)
    expected = np.asarray(layer(values)) + 1
    np.testing.assert_array_equal(field.encode([str(v) for v in values]), expected)


def test_numerical_rejects_text():
    with pytest.raises(ValueError, match=r"integer or empty\. Received: 'abc'"):
        Numerical((1,)).encode(["1", "abc"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Categorical(("a", "b", "a")), "distinct. Received twice: 'a'"),
        (lambda: Categorical(("a", 1)), "must be a string"),
        (lambda: Numerical((1, 1)), "strictly rising"),
        (lambda: MultiCategorical(("a", "a")), "distinct. Received twice: 'a'"),
        (lambda: MultiCategorical(separator=""), "not empty. Received: separator=''"),
        (lambda: MultiCategorical(max_length=1), "integer from 2 to 10000. Received: max_length=1"),
        (lambda: MultiCategorical(combiner="max"), "combiner must be one of"),
        (lambda: Dense(float("nan")), "mean must be finite.* Received: mean=nan, deviation=1.0"),
        (lambda: Dense(1.0, 0.0), "deviation above 0.* Received: mean=1.0, deviation=0.0"),
    ],
)
def test_constructors_check(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def _counts(kind, column):
    counts = Counts()
    counts.add(*encoding.counted(kind, pa.array(column)))
    return counts


def test_lists_equal_their_naive_definition():
    rng = np.random.default_rng(4)
    names = [f"g{i}" for i in range(12)]
    column = ["|".join(rng.choice(names, n)) for n in rng.integers(0, 7, 300)]
    column += ["", "|", "|g1||g2|", "new|g1", *["x"] * 3]
    kind = MultiCategorical(max_length=4, combiner="sum")
    counts = _counts(kind, column)
    assert dict(counts.items())["x"] == 3
    field = kind.learn(counts, min_count=2)
    assert field.vocabulary_size == len(field.values) + 1 == 13 + 1
    assert field.field == Field(14, 4, combiner="sum")
    ids = field.encode(column)
    assert (ids.dtype, ids.shape) == (np.int32, (307, 4))
    for row, text in zip(ids, column, strict=True):
        items = [item for item in text.split("|") if item][:4]
        known = [field.values.index(i) + 1 if i in field.values else 0 for i in items]
        assert row.tolist() == known + [-1] * (4 - len(items))


def test_items_beyond_the_length_are_not_counted():
    kind = MultiCategorical(separator=" ", max_length=2)
    counts = _counts(kind, ["a b c", "c a", "a b c"])
    assert dict(counts.items()) == {"a": 3, "b": 2, "c": 1}


def test_buckets_of_decimals_are_those_of_their_order():
    rng = np.random.default_rng(0)
    texts = [f"{x:.3f}" for x in rng.lognormal(size=2000)] + [""] * 30
    field = Numerical.learn(Counter(texts), max_buckets=20, decimals=True)
    ids = field.encode(texts)
    assert (field.has_missing, ids.max()) == (True, field.vocabulary_size - 1)
    assert 15 <= len(field.boundaries) < 20
    assert np.bincount(ids)[1:-1].min() > 2030 / 20
    numbers = np.array([float(text or "-inf") for text in texts])
    order = np.argsort(numbers, kind="stable")
    assert np.all(np.diff(ids[order]) >= 0)
    boundary = field.boundaries[3]
    below, at, above = np.nextafter(np.float32(boundary), [-np.inf, boundary, np.inf], dtype="f4")
    assert field.encode([str(below), str(at), str(above)]).tolist() == [4, 4, 5]


def test_decimals_are_counted_by_five_digits():
    column = pa.array(["51.50741", "51.50749", "-1e-60", "0", "", "51.5074"]).dictionary_encode()
    for kind in ("decimal", "dense"):
        values, counts = encoding.counted(kind, column)
        found = Counter()
        for value, count in zip(values, np.asarray(counts).tolist(), strict=True):
            found[value] += count
        assert found == {"51.507": 3, "-0": 1, "0": 1, "": 1}
    learned = encoding.learn({"x": "decimal"}, {"x": found}, bucket_count=0)
    assert learned.fields["x"].boundaries == (-np.inf, 0.0)


@pytest.mark.parametrize("text", ["abc", "nan", "1e39"])
def test_a_decimal_is_finite_in_float32(text):
    with pytest.raises(ValueError, match="must be finite, or empty. Received: '" + text):
        Numerical((), decimals=True).encode([text])


def test_dense_equals_numpy_standardisation():
    column = ["1.5", "-2", "1e3", "", "1.5", "0", ""]
    field = Dense.learn(Counter(column))
    numbers = np.array([float(v) for v in column if v])
    assert (field.mean, field.deviation) == pytest.approx((numbers.mean(), numbers.std()))
    expected = [(float(v) - numbers.mean()) / numbers.std() if v else 0 for v in column]
    weights = field.weights(column)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    np.testing.assert_array_equal(field.encode(column), np.zeros(7))


@pytest.mark.parametrize("text", ["old", "nan", "inf", "1e999"])
def test_dense_rejects_what_is_no_finite_number(text):
    for use in (lambda: Dense().weights(["1", text]), lambda: Dense.learn({"1": 2, text: 1})):
        with pytest.raises(ValueError, match=f"must be finite, or empty. Received: '{text}'"):
            use()


@pytest.mark.parametrize("column", [["", ""], ["0.1"] * 7, ["3", "3.0", ""]])
def test_dense_without_any_spread_gives_zeros(column):
    field = Dense.learn(Counter(column))
    assert field.deviation == 1.0
    np.testing.assert_allclose(field.weights(column), np.zeros(len(column)), atol=1e-7)


@pytest.mark.parametrize(
    ("kind", "min_count"),
    [("categorical", 3), (MultiCategorical(), 3), ("numerical", 1), ("decimal", 1), ("dense", 1)],
)
def test_what_is_learned_needs_neither_rare_values_nor_an_order(kind, min_count):
    rng = np.random.default_rng(0)
    column = [f"{rng.normal():.3g}" if kind != "numerical" else str(v) for v in rng.zipf(1.5, 999)]
    column = [str(value) for value in rng.choice(column, 2000)] + [""] * 5
    counted = Counts()
    counted.add(*encoding.counted(kind, pa.array(column)))
    counts = {value: int(rng.integers(1, 9)) for value, _ in counted.items()}
    least = encoding.least_count(kind, 3)
    assert least == min_count
    learned = encoding.learn({"x": kind}, {"x": counts}, 3)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(list(counts)).tolist()
        fewer = {value: counts[value] for value in order if counts[value] >= least}
        assert encoding.learn({"x": kind}, {"x": fewer}, 3) == learned


def _encoding():
    counts = {
        "C": {"é\n": 9, "": 5, "rare": 1},
        "I": {"": 60, "-3": 60, "7": 60},
        "L": {"ü": 3, "b": 2},
        "D": {"0.1": 3, "0.7": 2},
    }
    kinds = {
        "I": "numerical",
        "L": MultiCategorical(separator=";", max_length=2),
        "C": "categorical",
        "D": "dense",
    }
    return encoding.learn(kinds, counts, min_count=2, bucket_count=40)


def test_encoding_keeps_field_order_and_round_trips(tmp_path):
    original = _encoding()
    original.save(tmp_path / "encoding.json")
    loaded = Encoding.load(tmp_path / "encoding.json")

    assert loaded == original
    assert list(loaded.vocabulary_sizes.items()) == [("I", 4), ("L", 3), ("C", 3), ("D", 1)]
    columns = {
        "C": ["é\n", "", "rare"],
        "I": ["", "-3", "8"],
        "L": ["b", "", "?;ü;b"],
        "D": ["", "0.1", "0.7"],
    }
    ids, weights = loaded.encode(columns), loaded.weights(columns)
    np.testing.assert_array_equal(ids, [[1, 2, -1, 1, 0], [2, -1, -1, 2, 0], [3, 0, 1, 0, 0]])
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(weights, original.weights(columns))
    assert weights.shape == (3, 1)
    assert loaded.model_fields == {
        "I": Field(4),
        "L": Field(3, 2, combiner="mean"),
        "C": Field(3),
        "D": Field(1, weighted=True),
    }


@pytest.mark.parametrize("dictionary", [False, True])
def test_arrow_columns_are_encoded_as_sequences_are(dictionary):
    columns = {"C": ["", "rare", "", "é\n"] * 5, "I": ["7", "", "-3", "7"] * 5}
    columns |= {"L": ["b;ü;b", "", "b", "?"] * 5, "D": ["0.7", "", "0.7", "3"] * 5}
    arrays = {name: pa.array(column) for name, column in columns.items()}
    if dictionary:
        arrays = {name: array.dictionary_encode() for name, array in arrays.items()}
    fields = _encoding()
    np.testing.assert_array_equal(fields.encode(arrays), fields.encode(columns))
    np.testing.assert_array_equal(fields.weights(arrays), fields.weights(columns))
    field_by_field = [field.encode(columns[name]) for name, field in fields.fields.items()]
    np.testing.assert_array_equal(fields.encode(columns), np.column_stack(field_by_field))


def test_plain_fields_have_no_weights():
    plain = Encoding({"c": Categorical(("x",)), "l": MultiCategorical(("x",))})
    assert plain.weights({"c": ["x"], "l": ["x|x"]}) is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"format": "other/1", "fields": {}}', '{"format": "aim_keras.encoding/1"}'],
)
def test_encoding_load_rejects_other_files(tmp_path, content):
    path = tmp_path / "encoding.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"encoding\.json must be an encoding of format"):
        Encoding.load(path)


def test_encoding_load_rejects_unknown_kind(tmp_path):
    path = tmp_path / "encoding.json"
    _encoding().save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "fields": {"C": {"kind": "x"}}}))
    with pytest.raises(ValueError, match="must be an encoding"):
        Encoding.load(path)
