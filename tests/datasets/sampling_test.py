"""Rows that are spread over files, and not read one after another."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from aim_keras.datasets import inference, profiles, raw_files, sampling, tables

ROWS = 20_000
DAYS = 100


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(profiles, "SAMPLE_ROWS", 500)
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr(raw_files, "PACKED_BYTES", 1 << 9)
    monkeypatch.setattr(tables, "BATCH_ROWS", 100)


def log(path, rows=ROWS, groups=200):
    """A log in order of time: its days, its rows' numbers, and clicks."""
    days = np.arange(rows) * DAYS // ROWS
    columns = {"y": [str(i % 2) for i in range(rows)], "day": days.astype(str)}
    columns["row"] = [f"r{i}" for i in range(rows)]
    if path.suffix == ".parquet":
        parquet.write_table(pa.table(columns), path, row_group_size=groups)
    else:
        lines = map(",".join, zip(*columns.values(), strict=True))
        raw = "".join(f"{line}\n" for line in ("y,day,row", *lines)).encode()
        path.write_bytes(pa.compress(raw, "gzip", asbytes=True) if path.suffix == ".gz" else raw)
    return path


def sample(files):
    reader = tables.TableReader(dict.fromkeys(("y", "day", "row")))
    return profiles.of_rows(files, reader)


@pytest.mark.parametrize(
    ("name", "groups", "last"),
    [("a.csv", 0, 99), ("a.parquet", 200, 99), ("a.parquet", 1 << 20, 45), ("a.csv.gz", 0, 45)],
)
def test_rows_are_spread_over_a_file(tmp_path, name, groups, last):
    found = sample([log(tmp_path / name, groups=groups)])
    days = sorted(map(int, found["day"].values))
    assert days[0] == 0
    assert days[-1] >= last
    assert max(np.diff(days)) <= 10
    rows = found["row"]
    assert 350 <= rows.rows <= 750
    assert len(rows.values) == rows.rows, "no row comes twice"
    assert rows.is_part
    assert found["y"].counts.keys() == {"0", "1"}


@pytest.mark.parametrize("name", ["{}.csv", "{}.parquet", "{}.csv.gz"])
def test_all_of_few_rows_and_some_of_each_file(tmp_path, name):
    few = [log(tmp_path / name.format(i), 120 + 9 * i) for i in range(3)]
    found = sample(few)["row"]
    assert found.rows == 387
    assert not found.is_part
    many = [*few, log(tmp_path / name.format("big"), 3000)]
    found = sample(many)["row"]
    assert found.is_part
    assert found.counts["r100"] >= 3
    assert 450 <= found.rows <= 800


def test_rows_are_a_part_where_those_of_any_file_are(tmp_path, write):
    cut = log(tmp_path / "a.parquet", 3000)
    lines = (f"1,0,{i}{'x' * 2000}" for i in range(100))
    whole = write(tmp_path / "b.csv", ["y,day,row", *lines])
    assert whole.stat().st_size > cut.stat().st_size, "it is read last"
    assert sample([cut, whole])["row"].is_part


@pytest.mark.parametrize("name", ["{}.csv", "{}.parquet", "{}.csv.gz"])
def test_small_files_leave_their_rows_to_a_large_one(tmp_path, name):
    files = [log(tmp_path / name.format("big"), 3000)]
    files += [log(tmp_path / name.format(i), 30) for i in range(3)]
    assert 450 <= sample(files)["row"].rows <= 800


def test_of_many_files_some_are_read(tmp_path, write, monkeypatch):
    monkeypatch.setattr(sampling, "FILES", 5)
    files = [write(tmp_path / f"{i}.csv", ["y,day,row", f"1,{i},r{i}"]) for i in range(21)]
    found = sample(files)["day"]
    assert sorted(map(int, found.counts)) == [0, 5, 10, 15, 20]
    assert found.is_part


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_malformed_line_amid_a_file_is_named(tmp_path, end):
    path = log(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    for i in range(ROWS // 2, ROWS):
        lines[i] = f"bad {i + 1},0,r"
    path.write_bytes(end.join(lines).encode())
    with pytest.raises(ValueError, match=r"a\.csv, line (\d+): y must be.*Received: 'bad \1'"):
        inference.infer([path])
    assert not inference.infer([path], on_error="skip").columns["y"]["why"].startswith("100")


def test_rows_of_any_length(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.csv"
    for length in (0, 1, 3, 3000):
        cells = ["x" * n for n in rng.integers(length + 1, size=3000)]
        lines = ["y,day,row", *(f"1,0,{i}{cell}" for i, cell in enumerate(cells))]
        path.write_text("\n".join(lines))
        found = sample([path])["row"]
        assert {*found.counts} <= {line[4:] for line in lines[1:]}
        assert set(found.counts.values()) == {1}
        assert lines[-1][4:] in found.counts


def test_a_line_without_an_end_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "LINE_BYTES", 1 << 13)
    path = log(tmp_path / "a.csv")
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"1" * 3 * size)
    assert 0 < sample([path])["row"].rows < 500


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_ranges_make_up_a_file(tmp_path, end):
    path, data = tmp_path / "a", b"\n".join([b"", b"ab", b"", b"c" * 9, b"d"]) + end
    path.write_bytes(data)
    for size in range(1, 20):
        parts = [raw_files.read_range(path, n, n + size) for n in range(0, len(data), size)]
        assert b"".join(part for _, part in parts) == data
        assert all(data[start:].startswith(part) for start, part in parts)
        assert raw_files.count_lines(path, size) == data[:size].count(b"\n")


@pytest.mark.parametrize("name", ["{}.parquet", "{}.csv.gz"])
def test_the_last_of_long_files_is_read_furthest(tmp_path, name):
    names = ("a", "b", "c", "last", "d")
    files = [log(tmp_path / name.format(i), ROWS // 2, 1 << 20) for i in names]
    for some in (files[:4], files):
        days = sample(some)["day"].counts
        assert max(map(int, days)) >= 45
        assert sum(count for day, count in days.items() if int(day) > 20) < 150
