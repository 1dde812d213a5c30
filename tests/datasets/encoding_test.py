import json
from collections import Counter

import numpy as np
import pytest

from aim_keras.datasets import encoding
from aim_keras.datasets.encoding import Categorical, Encoding, Numerical


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
    ],
)
def test_constructors_check(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def _encoding():
    counts = {"C": {"é\n": 9, "": 5, "rare": 1}, "I": {"": 60, "-3": 60, "7": 60}}
    kinds = {"I": "numerical", "C": "categorical"}
    return encoding.learn(kinds, counts, min_count=2, bucket_count=40)


def test_encoding_keeps_field_order_and_round_trips(tmp_path):
    original = _encoding()
    original.save(tmp_path / "encoding.json")
    loaded = Encoding.load(tmp_path / "encoding.json")

    assert loaded == original
    assert list(loaded.vocabulary_sizes.items()) == [("I", 4), ("C", 3)]
    columns = {"C": ["é\n", "", "rare"], "I": ["", "-3", "8"]}
    ids = loaded.encode(columns)
    np.testing.assert_array_equal(ids, [[1, 1], [2, 2], [3, 0]])
    assert ids.dtype == np.int32


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
