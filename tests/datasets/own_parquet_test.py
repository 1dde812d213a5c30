"""Own data in Parquet."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from aim_keras.datasets.schema import Schema
from tests.datasets.own_data_test import features, labels, prepare


def test_columns_of_parquet_without_a_text(tmp_path):
    place = pa.array([{"lat": 1.5, "lon": 2.5}] * 400)
    late, items = [b"a"] * 399 + [b"\xff"], [[b"a"], [b"\xfe"]] * 200
    columns = {"click": [0, 1] * 200, "user": ["a", "b"] * 200, "place": place}
    columns |= {"late": late, "items": items, "bytes": [b"a", b"b"] * 200}
    columns["vector"] = pa.array([[i / 7, 2.0] for i in range(400)], pa.list_(pa.float32(), 2))
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    builder = prepare(tmp_path, tmp_path / "a.parquet")
    assert builder.field_names == ("user", "bytes")
    (path,) = (tmp_path / "data" / "schemas").iterdir()
    whys = {name: column["why"] for name, column in Schema.load(path).columns.items()}
    assert whys["place"] == "struct<lat: double, lon: double>: it has no text"
    assert whys["late"] == "binary: its bytes are no text"
    assert whys["items"] == "list<element: binary>: its bytes are no text"
    assert whys["vector"] == "fixed_size_list<element: float>[2]: a dense vector"
    parquet.write_table(pa.table({"y": late, "user": late}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="row 1: y must be of a type that has a text"):
        prepare(tmp_path, tmp_path / "b.parquet")


def test_columns_of_parquet_of_rare_types(tmp_path):
    half = np.arange(400, dtype=np.float16) / 8
    pairs = [[f"t{i % 3}", "u" if i % 2 else None] for i in range(400)]
    table = pa.table(
        {
            "click": [0, 1] * 200,
            "half": pa.array([None, *half[1:]], pa.float16()),
            "halves": pa.array([[h] for h in half], pa.list_(pa.float16())),
            "pair": pa.array(pairs, pa.list_(pa.string(), 2)),
            "dwell": pa.array([i % 200 for i in range(400)], pa.duration("ms")),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=70)
    schema = tmp_path / "schema.json"
    builder = prepare(tmp_path, tmp_path / "a.parquet", schema=schema, min_count=1)
    columns = Schema.load(schema).columns
    kinds = ["label", "decimal", "multi_categorical", "multi_categorical", "numerical"]
    assert [column["kind"] for column in columns.values()] == kinds
    assert columns["dwell"]["why"] == "200 whole numbers: in buckets; durations in ms"
    reader = builder._reader()
    (chunk,) = reader.read(tmp_path / "a.parquet")
    half, pair = chunk.columns["half"].to_pylist(), chunk.columns["pair"].to_pylist()
    assert half[:10:3] == ["", "0.375", "0.75", "1.125"]
    assert [text.split("\x1f") for text in pair[:3]] == [["t0", ""], ["t1", "u"], ["t2", ""]]
    assert set(builder.encoding.fields["pair"].values) == {"t0", "t1", "t2", "u"}


def test_parquet_has_the_rows_of_the_same_text(tmp_path, write):
    lines = ["click,user,n,tags,price"]
    columns = {name: [] for name in lines[0].split(",")}
    for i in range(300):
        tags = ["a", "b", "c"][: i % 4]
        n = None if i % 11 == 0 else 10_000_000_000 + i * 1000
        row = (i % 3 == 0, f"u{i % 7}", n, tags, i / 4)
        # Whole numbers some of which are missing are floats to pandas; an item may be missing too.
        stored = (*row[:2], n and float(n), [*tags[:1], None, *tags[1:]] if i % 5 == 0 else tags)
        for column, value in zip(columns.values(), (*stored, row[4]), strict=True):
            column.append(value)
        texts = [str(int(row[0])), row[1], "" if row[2] is None else str(row[2]), "|".join(tags)]
        lines.append(",".join([*texts, str(row[4])]))
    text = write(tmp_path / "clicks.csv", lines)
    parquet.write_table(pa.table(columns), tmp_path / "clicks.parquet", row_group_size=70)
    options = {"split": "ordered"}
    from_text = prepare(tmp_path, text, **options)
    from_parquet = prepare(tmp_path, tmp_path / "clicks.parquet", **options)
    assert from_text.fields == from_parquet.fields
    assert from_parquet.fields["tags"].length == 3
    for split in ("train", "valid", "test"):
        np.testing.assert_array_equal(labels(from_text, split), labels(from_parquet, split))
        np.testing.assert_array_equal(features(from_text, split), features(from_parquet, split))
    inferred = {p.name: Schema.load(p) for p in (tmp_path / "data" / "schemas").iterdir()}
    kinds = {tuple(c["kind"] for c in schema.columns.values()) for schema in inferred.values()}
    assert kinds == {("label", "categorical", "numerical", "multi_categorical", "decimal")}
