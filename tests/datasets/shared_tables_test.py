"""Own data whose fields share a vocabulary and a table."""

import numpy as np
import tensorflow as tf

from aim_keras.datasets import own_data
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.graph_encoding import GraphEncoding
from aim_keras.datasets.schema import Schema
from tests.datasets.own_data_test import features, prepare


def test_fields_that_share_a_table(tmp_path, write):
    rows = [f"{i % 2},i{i % 7},i{i % 7};i{i % 5};new{i}" for i in range(400)]
    path = write(tmp_path / "clicks.csv", ["click,item,history", *rows])
    columns = {
        "click": {"kind": "label", "positive": ["1"], "negative": ["0"]},
        "item": {"kind": "categorical"},
        "history": {"kind": "multi_categorical", "separator": ";", "table": "item"},
    }
    Schema(columns).save(tmp_path / "schema.json")
    builder = prepare(tmp_path, path, schema=tmp_path / "schema.json")
    assert {name: (f.size, f.table) for name, f in builder.fields.items()} == {
        "item": (8, "item"),
        "history": (8, "item"),
    }
    ids = features(builder, "train")
    np.testing.assert_array_equal(ids[:, 0], ids[:, 1])
    assert set(ids[:, 3]) == {0}
    again = own_data.builder(path, schema=tmp_path / "schema.json", data_dir=tmp_path / "data")
    assert again.fields == builder.fields


def test_a_graph_holds_their_vocabulary_once(tmp_path):
    values = tuple(f"i{i}" for i in range(9))
    history = MultiCategorical(values, " ", 3, table="item")
    encoding = Encoding(
        {"item": Categorical(values), "history": history, "hour": Categorical(("6",))}
    )
    graph = GraphEncoding(encoding)
    tf.train.Checkpoint(graph).write(str(tmp_path / "checkpoint"))
    keys = [size for _, size in tf.train.list_variables(str(tmp_path / "checkpoint"))]
    assert sorted(size for size in keys if size and size[0] > 1) == [[9], [9]]  # keys, and ids
    raw = {"item": ["i8", "i9"], "history": ["i0 i9 i8 i1", ""], "hour": ["6", "7"]}
    (ids,) = graph({**raw, "history": tf.constant([[text] for text in raw["history"]])})
    np.testing.assert_array_equal(ids, encoding.encode(raw))
