import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from aim_keras.datasets import encoding
from aim_keras.datasets.counts import Counts
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical, learned
from aim_keras.datasets.number_encodings import Dense, Numerical
from aim_keras.fields import Field


def drawn(seed, rows, values):
    rng = np.random.default_rng(seed)
    return [str(v) for v in (rng.pareto(0.7, rows) * 3).astype(int) % values - 2]


@pytest.mark.parametrize("min_count", [1, 2, 5, 1000])
def test_categorical_equals_naive_definition(min_count):
    column = [*drawn(0, 2000, 90), "", "", "", "", ""]
    counts = Counter(column)
    field = learned(Categorical(), counts, min_count)

    ranked = sorted((-n, v) for v, n in counts.items() if n >= min_count)
    naive = {value: i + 1 for i, (_, value) in enumerate(ranked)}
    seen = [*column, "unseen"]

    assert field.vocabulary_size == len(naive) + 1
    ids = field.encode(seen)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, [naive.get(v, 0) for v in seen])


def test_categorical_order_is_by_count_then_value_and_not_by_arrival():
    assert learned(Categorical(), {"b": 2, "a": 2, "z": 9, "c": 1}).values == ("z", "a", "b", "c")
    assert learned(Categorical(), {"z": 9, "a": 2, "c": 1, "b": 2}).values == ("z", "a", "b", "c")


def test_categorical_empty_string_is_a_value():
    field = learned(Categorical(), {"": 3, "x": 1}, 2)
    np.testing.assert_array_equal(field.encode(["", "x", "y"]), [1, 0, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Categorical(("a", "b", "a")), "distinct. Received twice: 'a'"),
        (lambda: Categorical(("a", 1)), "must be a string"),
        (lambda: Categorical(table=1), "table must be a string. Received: table=1"),
        (lambda: Numerical((1, 1)), "strictly rising"),
        (lambda: Numerical((2**63,)), r"integers of int64\. Received: boundaries=\(9223372036"),
        (lambda: MultiCategorical(("a", "a")), "distinct. Received twice: 'a'"),
        (lambda: MultiCategorical(separator=""), "not empty. Received: separator=''"),
        (lambda: MultiCategorical(max_length=1), "integer from 2 to 10000. Received: max_length=1"),
        (lambda: MultiCategorical(max_length=10_001), "to 10000. Received: max_length=10001"),
        (lambda: MultiCategorical(combiner="max"), "combiner must be one of"),
        (lambda: MultiCategorical(keep="newest"), r"keep must be one of \('first', 'last'\)\. Rec"),
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
    field = learned(kind, counts, min_count=2)
    assert field.vocabulary_size == len(field.values) + 1 == 13 + 1
    assert field.field == Field(14, 4, combiner="sum")
    ids = field.encode(column)
    assert (ids.dtype, ids.shape) == (np.int32, (307, 4))
    for row, text in zip(ids, column, strict=True):
        items = [item for item in text.split("|") if item][:4]
        known = [field.values.index(i) + 1 if i in field.values else 0 for i in items]
        assert row.tolist() == known + [-1] * (4 - len(items))


def test_the_last_items_of_a_list():
    kind = MultiCategorical(max_length=2, keep="last")
    counts = _counts(kind, ["a|b|c|", "b", ""])
    assert dict(counts.items()) == {"b": 2, "c": 1}
    field = learned(kind, counts)
    np.testing.assert_array_equal(field.encode(["a|b|c|", "c||a", ""]), [[1, 2], [2, 0], [-1, -1]])
    assert MultiCategorical.from_json({"values": []}) == MultiCategorical(), "as before keep was"


HISTORY = MultiCategorical(table="item", max_length=3)


def test_fields_of_one_table_are_counted_and_learned_as_one(tmp_path):
    kinds = {"history": HISTORY, "item": "categorical", "age": "numerical"}
    assert encoding.counted_as(kinds) == {"history": "item", "item": "item", "age": "age"}
    counts = {"item": {"a": 2, "b": 1, "c": 9}, "age": {"3": 4}}
    found = encoding.learn(kinds, counts, min_count=2)
    assert found.fields["item"] == Categorical(("c", "a"))
    assert found.fields["history"].values == ("c", "a")
    shared = {"history": Field(3, 3, False, "mean", "item"), "item": Field(3, table="item")}
    assert found.model_fields == shared | {"age": Field(2)}
    assert found.kinds == kinds
    found.save(tmp_path / "encoding.json")
    assert Encoding.load(tmp_path / "encoding.json") == found
    assert (tmp_path / "encoding.json").read_text().count('"table"') == 1
    back = {"item": Categorical(table="history"), "history": MultiCategorical()}
    assert encoding.learn(back, {"history": {"a": 1}}).kinds == back


@pytest.mark.parametrize(
    ("kinds", "received"),
    [
        ({"history": HISTORY, "itme": "categorical"}, "'history': .*table='item'"),
        ({"history": HISTORY, "item": "numerical"}, "'history': .*table='item'"),
        ({"item": Categorical(table="item")}, "'item': .*table='item'"),
        (
            {"history": HISTORY, "item": Categorical(table="id"), "id": "categorical"},
            "'history': .*table='item'",
        ),
    ],
)
def test_a_table_is_that_of_another_field_of_categories(kinds, received):
    with pytest.raises(ValueError, match=f"Field {received}"):
        encoding.counted_as(kinds)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"item": {"kind": "categorical", "values": ["b"]}}, "'history' must have the values of"),
        ({"item": {"kind": "numerical", "boundaries": [1]}}, "'history': table must be the name"),
    ],
)
def test_a_file_whose_shared_values_differ_is_named(tmp_path, changed, error):
    kinds = {"history": HISTORY, "item": "categorical"}
    encoding.learn(kinds, {"item": {"a": 1}}).save(path := tmp_path / "encoding.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"fields": content["fields"] | changed}))
    with pytest.raises(ValueError, match=f"{path} is not a valid encoding: Field {error}"):
        Encoding.load(path)


def test_items_beyond_the_length_are_not_counted():
    kind = MultiCategorical(separator=" ", max_length=2)
    counts = _counts(kind, ["a b c", "c a", "a b c"])
    assert dict(counts.items()) == {"a": 3, "b": 2, "c": 1}


@pytest.mark.parametrize(
    ("kind", "digits"),
    [
        ("decimal", {"51.5074": 1, "51.5075": 2, "-0": 1, "0": 1, "": 1}),
        ("dense", {"51.50741": 1, "51.50742": 1, "51.5074": 1, "-1e-60": 1, "0": 1, "": 1}),
    ],
)
def test_numbers_are_counted_by_a_few_digits(kind, digits):
    texts = ["51.50741", "51.5074196", "-1e-60", "0", "", "51.5074"]
    values, counts = encoding.counted(kind, pa.array(texts).dictionary_encode())
    found = Counter()
    for value, count in zip(values, np.asarray(counts).tolist(), strict=True):
        found[value] += count
    assert found == digits
    learned = encoding.learn({"x": "decimal"}, {"x": found}, bucket_count=0)
    assert learned.fields["x"].boundaries[:2] == (-np.inf, 0.0)


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
    assert list(loaded.fields) == ["I", "L", "C", "D"]
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
    ("content", "error"),
    [
        ("[]", "must be a JSON object with format, fields"),
        ('{"format": "other/1", "fields": {}}', "is not a valid encoding: format must be 'aim_k"),
        ('{"format": "aim_keras.encoding/1", "fields": []}', "encoding: fields must be a mapping"),
    ],
)
def test_encoding_load_rejects_other_files(tmp_path, content, error):
    path = tmp_path / "encoding.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"encoding\.json .*{error}"):
        Encoding.load(path)


def test_encoding_load_rejects_unknown_kind(tmp_path):
    path = tmp_path / "encoding.json"
    _encoding().save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "fields": {"C": {"kind": "x"}}}))
    with pytest.raises(ValueError, match="encoding: C: kind must be one of"):
        Encoding.load(path)
