"""A user's own files and arguments that are refused, in words."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from aim_keras.datasets import own_data, pipeline
from tests.datasets.own_data_test import HEADER, ROWS, prepare


@pytest.fixture
def clicks(tmp_path, write):
    return write(tmp_path / "clicks.csv", [HEADER, *ROWS])


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("2,u1,paris,1.5", r"line 402: click must be as 0 and 1 .*Received: '2'"),
        (",u1,paris,1.5", r"line 402: click must be as 0 and 1 .*Received: ''"),
        ("1,u1,paris", r"line 402: must have 4 columns. Received: 3"),
        ('1,"u1,paris,1.5', r"line 402: a quoted cell must end on its line"),
    ],
)
def test_a_malformed_line_is_told_or_skipped(tmp_path, write, line, rule):
    path = write(tmp_path / "clicks.csv", [HEADER, *ROWS, line])
    with pytest.raises(ValueError, match=rf"clicks\.csv, {rule}"):
        own_data.builder(path, data_dir=tmp_path / "data")
    builder = prepare(tmp_path, path, on_error="skip")
    assert sum(builder.facts("rows").values()) == 400
    assert builder.facts("skipped_rows") == {"clicks.csv": 1}


def test_what_the_schema_rules_out_is_told_with_its_line(clicks, tmp_path, write):
    schema = tmp_path / "schema.json"
    own_data.builder(clicks, schema=schema, data_dir=tmp_path / "data")
    write(clicks, [HEADER, *ROWS, "1,u1,paris,cheap"])
    with pytest.raises(ValueError, match=r"line 402: price must be a decimal .*decimal. .*'cheap'"):
        prepare(tmp_path, clicks, schema=schema)
    write(clicks, ["user,city,price", "u1,paris,3.5"])
    with pytest.raises(ValueError, match=r"clicks.csv, line 1: the columns must have 'click'\."):
        prepare(tmp_path, clicks, schema=schema)
    parquet.write_table(
        pa.table({"click": [7], "user": ["u"], "city": ["p"], "price": [1]}), tmp_path / "a.pq"
    )
    with pytest.raises(ValueError, match=r"a\.pq, row 1: click must be one of '0', '1'.*'7'"):
        prepare(tmp_path, tmp_path / "a.pq", schema=schema)
    structs = pa.array([{"x": 1}])
    parquet.write_table(
        pa.table({"click": [1], "user": ["u"], "city": structs, "price": [1]}), tmp_path / "a.pq"
    )
    with pytest.raises(ValueError, match=r"row 1: city must be of a type that has a text.*struct"):
        prepare(tmp_path, tmp_path / "a.pq", schema=schema)


def test_files_of_valid_without_those_of_test(tmp_path, write):
    days = [write(tmp_path / f"day_{day}.csv", [HEADER, *ROWS]) for day in (1, 2)]
    for _ in range(2):  # prepared, and as it was
        builder = prepare(tmp_path, days[0], valid_paths=days[1])
        assert builder.facts("rows") == {"train": 400, "valid": 400}
        assert [*builder.info.splits] == [*builder.splits] == ["train", "valid"]
    with pytest.raises(ValueError, match=r"split must be one of train, valid\. Received: .*'test'"):
        pipeline.rows(builder, "test")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"paths": ()}, "paths must have at least one path"),
        ({"paths": "no.csv"}, r"paths must lead to files \(.csv, .*Received: no.csv, in "),
        ({"paths": "*.parquet"}, "paths must lead to files"),
        ({"test_paths": "clicks.csv"}, "test_paths must come with valid_paths"),
        ({"valid_paths": "clicks.csv", "test_paths": "clicks.csv"}, "No file may come twice"),
        ({"split": "time"}, "split must be one of"),
        ({"test_fraction": 1.0}, "Fractions must lie in"),
        ({"max_buckets": 0}, "max_buckets must be an integer >= 1"),
        ({"on_error": "warn"}, "on_error must be one of"),
        ({"label": "clicked"}, "line 1: there must be the label's column 'clicked'"),
    ],
)
def test_bad_arguments(clicks, tmp_path, arguments, error):
    given = {"paths": clicks.name, "raw_dir": tmp_path, "data_dir": tmp_path / "data"}
    with pytest.raises((ValueError, FileNotFoundError), match=error):
        own_data.builder(**{**given, **arguments})
    assert not (tmp_path / "data").exists()


def test_other_broken_files(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match=r"empty\.csv, line 1: there must be rows"):
        own_data.builder(tmp_path / "empty.csv", data_dir=tmp_path / "data")
    (tmp_path / "twice.csv").write_text("y,a,a\n1,2,3\n")
    with pytest.raises(ValueError, match=r"twice\.csv, line 1: .* distinct names. .*twice \['a'\]"):
        own_data.builder(tmp_path / "twice.csv", data_dir=tmp_path / "data")
    (tmp_path / "no.parquet").write_text("y,a\n")
    with pytest.raises(ValueError, match=r"no\.parquet must be a Parquet file"):
        own_data.builder(tmp_path / "no.parquet", data_dir=tmp_path / "data")


def test_a_separator_of_two_characters(clicks, tmp_path):
    with pytest.raises(ValueError, match="separator must be one ASCII character"):
        own_data.builder(clicks, separator=";;", data_dir=tmp_path / "data")


@pytest.mark.parametrize("damage", ["truncated", "garbled", "text"])
def test_a_damaged_parquet_file_is_named(tmp_path, damage):
    path = tmp_path / "a.parquet"
    table = pa.table({"y": [i % 2 for i in range(99)], "u": [f"u{i % 7}" for i in range(99)]})
    parquet.write_table(table, path, use_dictionary=False, compression="none")
    own_data.builder(path, schema=tmp_path / "schema.json", data_dir=tmp_path / "data")
    data = path.read_bytes()
    bad = {
        "truncated": data[: len(data) // 2],
        "garbled": data[:4] + b"\xff" * 40 + data[44:],
        "text": data.replace(b"u3", b"\xff\xfe"),
    }
    path.write_bytes(bad[damage])
    with pytest.raises(ValueError, match=r"a\.parquet must be a Parquet file, undamaged"):
        prepare(tmp_path, path, schema=tmp_path / "schema.json")
