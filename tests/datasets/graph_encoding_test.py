"""The graph's encoding beside NumPy's, which is the definition."""

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.graph_encoding import GraphEncoding
from aim_keras.datasets.number_encodings import MISSING, Dense, Numerical

TRICKY = (
    *("", " ", "  ", "a", "A", "a ", " a", "unseen", "ü", "u\u0308", "日本", "😀", "\x00", "a\x00"),
    *("1e3", "1000", " 7", "7", "-0", "0", "007", "1" * 40, "nan", "NaN", "inf", "None"),
    *("a\rb", "a\n", "\n", "\r", "\t", "a\tb", ",", "|", "a|b", "\ufeff", "\u2028", "x" * 3000),
)
INTEGERS = (
    *("", " 7", "7", "-0", "0", "007", "+5", "-1", "1", "2", "3", "8", "16777217", "2147483648"),
    *("9007199254740993", "-9007199254740993", "999999999999999999", "-999999999999999999"),
    *(str(2**63 - 1), str(MISSING + 1)),
)
NUMBERS = ("", " 7", "-0", "0", "1e3", "1000", "-2.5", "1e30", "-1e30", "1e-30", "16777217", ".1")


def in_graph(field, values):
    """What the graph makes of raw values: ids and, of a dense field, weights, `(rows, length)`."""
    encode = tf.function(GraphEncoding(Encoding({"f": field})))
    return [part.numpy() for part in encode({"f": tf.constant(values)})]


@pytest.mark.parametrize("values", [(), ("",), TRICKY, TRICKY[::2], ("b", *TRICKY[1::3])])
def test_categorical(values):
    field = Categorical(values)
    (ids,) = in_graph(field, TRICKY)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids[:, 0], field.encode(TRICKY))


@pytest.mark.parametrize("separator", ["|", " ", "||", "ü", "x", "\x00"])
@pytest.mark.parametrize(("max_length", "keep"), [(2, "first"), (5, "first"), (2, "last")])
def test_lists(separator, max_length, keep):
    values = tuple(text for text in TRICKY[1::2] if separator not in text)
    field = MultiCategorical(values, separator, max_length, keep=keep)
    rows = np.random.default_rng(0).choice(TRICKY, (200, 6)).tolist()
    rows += [[""] * 6, ["", "a", "", "7", "", ""], [separator, "7", "", "", "", ""]]
    (ids,) = in_graph(field, rows)
    assert (ids.dtype, ids.shape) == (np.int32, (203, max_length))
    for row, of_row in zip(rows, ids.tolist(), strict=True):
        items = [item for text in row for item in text.split(separator) if item]
        items = items[:max_length] if keep == "first" else items[-max_length:]
        known = [values.index(item) + 1 if item in values else 0 for item in items]
        assert of_row == known + [-1] * (max_length - len(items))
    texts = [separator.join(row) for row in rows]
    (from_texts,) = in_graph(field, [[text] for text in texts])
    np.testing.assert_array_equal(from_texts, field.encode(texts))
    decoded = GraphEncoding(Encoding({"f": field})).decode(ids)["f"]
    np.testing.assert_array_equal(in_graph(field, decoded)[0], ids)


@pytest.mark.parametrize(
    "boundaries",
    [(), (0,), (-1, 0, 7), (MISSING, 3, 2**53, 2**53 + 1), (-(10**18) + 1, 10**18 - 1)],
)
@pytest.mark.parametrize("has_missing", [False, True])
def test_numerical(boundaries, has_missing):
    field = Numerical(boundaries, has_missing)
    values = np.array([int(text) if text else MISSING for text in INTEGERS], np.int64)
    (ids,) = in_graph(field, values)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids[:, 0], field.encode(INTEGERS))


@pytest.mark.parametrize("boundaries", [(), (-2.5, 0.0, 1e30), (-np.inf, 0.1, 3.5, 51.507)])
@pytest.mark.parametrize("has_missing", [False, True])
def test_decimals_in_buckets(boundaries, has_missing):
    boundaries = boundaries if has_missing else boundaries[-3:]
    field = Numerical(boundaries, has_missing, decimals=True)
    texts = (*NUMBERS, "0.1", "0.10000001", "3.5", "51.507", "51.5070001", "51.50701", "1e-60")
    values = np.array([float(text or "nan") for text in texts])
    (ids,) = in_graph(field, values)
    np.testing.assert_array_equal(ids[:, 0], field.encode(texts))
    (of_floats,) = in_graph(field, values.astype(np.float32).astype(np.float64))
    np.testing.assert_array_equal(of_floats, ids)
    graph = GraphEncoding(Encoding({"f": field}))
    every = np.arange(1 if has_missing else 0, field.vocabulary_size)[:, None]
    np.testing.assert_array_equal(in_graph(field, graph.decode(every)["f"])[0], every)
    (infinite,) = in_graph(field, np.array([np.inf, -np.inf, np.nan, 1e300]))
    np.testing.assert_array_equal(infinite[:, 0], field.encode([""] * 4))


@pytest.mark.parametrize("moments", [(0.0, 1.0), (1998.25, 14.3), (-1e9, 3.7), (1e-3, 1e-8)])
def test_dense(moments):
    field = Dense(*moments)
    values = np.array([float(text or "nan") for text in NUMBERS])
    ids, weights = in_graph(field, values)
    assert (ids.dtype, weights.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(ids[:, 0], field.encode(NUMBERS))
    np.testing.assert_allclose(weights[:, 0], field.weights(NUMBERS), rtol=2**-23)


def test_numbers_that_training_refuses_are_missing():
    field = Dense(3.0, 2.0)
    _, weights = in_graph(field, np.array([np.inf, -np.inf, 1e300, -1e300]))
    np.testing.assert_array_equal(weights[:, 0], field.weights([""] * 4))


ENCODING = Encoding(
    {
        "user": Categorical(("u1", "", "ü")),
        "genres": MultiCategorical(("War", "Crime"), max_length=3),
        "age": Numerical((MISSING, 20, 30), has_missing=True),
        "year": Numerical((1990, 2000)),
        "price": Dense(10.0, 4.0),
    }
)
RAW = {  # as raw files have it; every id occurs
    "user": ["u1", "", "ü", "other", "u1"],
    "genres": ["War|Crime", "", "Crime|other|War", "War", "other"],
    "age": ["", "20", "25", "99", "-3"],
    "year": ["1990", "", "1991", "2020", "5"],
    "price": ["10", "", "-3.5", "1e3", "0"],
}


def test_raw_values_of_ids_have_these_ids():
    ids, weights = ENCODING.encode(RAW), ENCODING.weights(RAW)
    graph = GraphEncoding(ENCODING)
    raw = graph.decode(ids, weights)
    assert {name: np.shape(values) for name, values in raw.items()} == {
        **dict.fromkeys(RAW, (5,)),
        "genres": (5, 3),
    }
    encoded = graph({k: tf.constant(v, graph.inputs[k].dtype) for k, v in raw.items()})
    np.testing.assert_array_equal(encoded[0], ids)
    np.testing.assert_allclose(encoded[1], weights, rtol=2**-23)
    assert raw["user"][2] == "ü"
    assert raw["genres"][0].tolist() == ["War", "Crime", ""]


@pytest.mark.parametrize(
    ("column", "id_", "text"),
    [
        (0, 4, r"'user'.*\[0, 4\)"),
        (1, -2, "'genres'"),
        (4, 0, r"'age'.*\[1, 5\)"),
        (5, -1, "'year'"),
    ],
)
def test_ids_of_no_raw_value_are_refused(column, id_, text):
    ids = ENCODING.encode(RAW)
    ids[2, column] = id_
    with pytest.raises(ValueError, match=f"Field {text}.*Received: {id_}$"):
        GraphEncoding(ENCODING).decode(ids, ENCODING.weights(RAW))


def example(**values):
    """A serialised `tf.train.Example`."""
    kinds = {str: "bytes_list", int: "int64_list", float: "float_list"}
    features = {}
    for name, items in values.items():
        content = [item.encode() if isinstance(item, str) else item for item in items]
        features[name] = tf.train.Feature(**{kinds[type(items[0])]: {"value": content}})
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_examples_with_any_key_absent():
    graph = GraphEncoding(ENCODING)
    whole = {
        "user": ["ü"],
        "genres": ["War", "Crime"],
        "age": [25],
        "year": [1991],
        "price": [-3.5],
    }
    as_text = {"user": "ü", "genres": "War|Crime", "age": "25", "year": "1991", "price": "-3.5"}
    rows, texts = [whole], [as_text]
    for name in whole:
        rows.append({key: value for key, value in whole.items() if key != name})
        texts.append(as_text | {name: ""})
    rows.append({})
    texts.append(dict.fromkeys(whole, ""))
    columns = {name: [row[name] for row in texts] for name in whole}
    ids, weights = graph(graph.parse(tf.constant([example(**row) for row in rows])))
    np.testing.assert_array_equal(ids, ENCODING.encode(columns))
    np.testing.assert_array_equal(weights, ENCODING.weights(columns))


def test_one_row_stands_for_all():
    graph = GraphEncoding(ENCODING)
    ids, weights = graph({**graph.missing, "user": tf.constant(["u1", "ü", "new"])})
    columns = {**{name: [""] * 3 for name in RAW}, "user": ["u1", "ü", "new"]}
    np.testing.assert_array_equal(ids, ENCODING.encode(columns))
    np.testing.assert_array_equal(weights, ENCODING.weights(columns))
    empty = {name: values[:0] for name, values in graph.missing.items()}
    assert [part.shape for part in graph(empty)] == [(0, 7), (0, 1)]
    with pytest.raises(tf.errors.InvalidArgumentError):
        graph({**graph.missing, "user": tf.constant(["a", "b"]), "age": tf.range(3, dtype="int64")})
