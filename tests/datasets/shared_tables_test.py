"""Own data whose fields share a vocabulary and a table."""

import numpy as np

from aim_keras.datasets import own_data
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
