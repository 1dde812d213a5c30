"""Columns of a user's own files that are in the names of folders."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from aim_keras.datasets import own_data, own_files
from aim_keras.datasets.schema import Schema
from tests.datasets.own_data_test import features, labels, prepare

DAYS = {"day=mon": "mon", "day=a%2Fb%3D%26": "a/b=&", "day=__HIVE_DEFAULT_PARTITION__": ""}


@pytest.fixture
def folder(tmp_path, write):
    """Text and Parquet files of the users u0, u1, ..., one a day, below a folder of another day."""
    for i, day in enumerate(DAYS):
        place = tmp_path / "day=no" / "clicks" / day
        rows = [(n % 2, f"u{i}") for n in range(40)]
        if i == 1:
            place.mkdir(parents=True)
            click, user = zip(*rows, strict=True)
            parquet.write_table(pa.table({"user": user, "click": click}), place / "a.parquet")
        else:
            write(place / "a.csv", ["click,user", *(f"{click},{user}" for click, user in rows)])
    return tmp_path / "day=no" / "clicks"


def test_the_names_of_folders_are_columns(folder, tmp_path):
    builder = prepare(tmp_path, folder)
    assert list(builder.fields) == ["user", "day"]
    assert set(builder.encoding.fields["day"].values) == {*DAYS.values()}
    for split in ("train", "test"):
        users, days = features(builder, split).T
        values = [builder.encoding.fields[name].values for name in ("user", "day")]
        found = {(values[0][u - 1], values[1][d - 1]) for u, d in zip(users, days, strict=True)}
        assert found == set(zip(("u0", "u1", "u2"), DAYS.values(), strict=True))


@pytest.mark.parametrize("paths", [["*/*.csv"], ["day=mon/a.csv", "day=__HIVE_*/a.csv"]])
def test_patterns_and_files(folder, tmp_path, paths):
    builder = prepare(tmp_path, paths, raw_dir=folder)
    assert set(builder.encoding.fields["day"].values) == {"mon", ""}


def test_folders_that_a_pattern_matches(folder, tmp_path):
    builder = prepare(tmp_path, "day=[am]*", raw_dir=folder)
    assert set(builder.encoding.fields["day"].values) == {"mon", "a/b=&"}


def test_a_folder_that_is_given_itself_makes_no_column(tmp_path, write):
    write(tmp_path / "day=1" / "a.csv", ["y,user", "1,u1", "0,u2"])
    builder = own_data.builder(tmp_path / "day=1", data_dir=tmp_path / "data")
    assert builder.field_names == ("user",)


def test_a_column_of_the_file_comes_first(tmp_path, write):
    for day in "12":
        rows = [f"{i % 2},u{day},d{i % 3}" for i in range(30)]
        write(tmp_path / "clicks" / f"day={day}" / "a.csv", ["y,user,day", *rows])
    builder = prepare(tmp_path, tmp_path / "clicks")
    assert set(builder.encoding.fields["day"].values) == {"d0", "d1", "d2"}


def test_files_without_a_header(tmp_path, write):
    for day in "12":
        rows = [f"{i % 2},u{i % 3}" for i in range(30)]
        write(tmp_path / "clicks" / f"day={day}" / "a.csv", rows)
    builder = prepare(tmp_path, tmp_path / "clicks", columns=["y", "user"])
    assert list(builder.fields) == ["user", "day"]
    assert set(builder.encoding.fields["day"].values) == {"1", "2"}


def test_a_label_in_the_name_of_a_folder(tmp_path, write):
    for click in "01":
        rows = [f"u{i % 3},{i % 2}" for i in range(30)]
        write(tmp_path / "clicks" / f"click={click}" / "a.csv", ["user,place", *rows])
    builder = prepare(tmp_path, tmp_path / "clicks", split="ordered")
    np.testing.assert_array_equal(labels(builder, "test"), np.ones(6))
    write(tmp_path / "clicks" / "click=2" / "a.csv", ["user,place", "u1,0"])
    schema = next((tmp_path / "data" / "schemas").iterdir())
    assert Schema.load(schema).columns["click"]["why"] == "50.00% of 60 rows are positive"
    with pytest.raises(ValueError, match=r"a\.csv, line 2: click must be one of '0', '1'\."):
        prepare(tmp_path, tmp_path / "clicks", schema=schema)
    builder = prepare(tmp_path, tmp_path / "clicks", schema=schema, on_error="skip")
    told = {f"click={click}/a.csv": click // 2 for click in range(3)}
    assert builder.facts("skipped_rows") == told
    assert builder.doubts == ["skipped 1 malformed lines of click=2/a.csv, 100.00%"]


def test_a_file_outside_the_folders_is_told(folder, tmp_path, write):
    schema = tmp_path / "schema.json"
    own_data.builder(folder, schema=schema, data_dir=tmp_path / "data")
    write(folder / "b.csv", ["click,user", "1,u1"])
    with pytest.raises(ValueError, match=r"b\.csv, line 1: the columns must have 'day'\. Received"):
        prepare(tmp_path, folder, schema=schema)


def test_all_files_tell_what_a_column_of_folders_is(tmp_path, write, monkeypatch):
    monkeypatch.setattr("aim_keras.datasets.profiles.SAMPLE_ROWS", 9)
    for hour in range(24):
        rows = [f"{i % 2},u{i % 3}" for i in range(10)]
        write(tmp_path / "clicks" / f"hour={hour}" / "a.csv", ["y,user", *rows])
    schema = tmp_path / "schema.json"
    own_data.builder(tmp_path / "clicks", schema=schema, data_dir=tmp_path / "data")
    assert Schema.load(schema).columns["hour"] == {
        "kind": "categorical",
        "why": "24 whole numbers: few",
    }


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("all/a=1.csv", {}),
        ("all/x/a=1/b=2=3/c.csv", {"a": "1", "b": "2=3"}),
        ("all/=1/a%20b=/c.csv", {"a b": ""}),
    ],
)
def test_partitions(file, expected):
    assert own_files.partitions(file) == expected
