import gzip
import re

import numpy as np
import pyarrow as pa
import pytest

from aim_keras.datasets import raw, raw_files


def _reader(**kwargs):
    return raw.Reader({"label": raw.LABEL, "n": raw.INTEGER, "c": None}, **kwargs)


def _rows(reader, path, **kwargs):
    chunks = [c.columns.values() for c in reader.read(path, **kwargs)]
    columns = [[column.to_pylist() for column in chunk] for chunk in chunks]
    return [row for chunk in columns for row in zip(*chunk, strict=True)]


GOOD = ["label,n,c", "1,5,x", "0,,", "1,-3,a b"]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("ending", ["", "\r"])
def test_reads_plain_and_gzip_with_either_line_end(tmp_path, write, name, ending):
    path = write(tmp_path / name, [line + ending for line in GOOD])
    assert _rows(_reader(), path) == [("1", "5", "x"), ("0", "", ""), ("1", "-3", "a b")]


def test_last_line_needs_no_newline(tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(GOOD))
    assert len(_rows(_reader(), tmp_path / "a.csv")) == 3


@pytest.mark.parametrize(
    ("line", "rule", "received"),
    [
        ("1,5", "must have 3 columns", "2"),
        ("1,5,x,", "must have 3 columns", "4"),
        ("", "must have 3 columns", "1"),
        ("2,5,x", "label must be 0 or 1", "'2'"),
        (",5,x", "label must be 0 or 1", "''"),
        ("1,5.0,x", "n must be an integer", "'5.0'"),
        ("1,1_0,x", "n must be an integer", "'1_0'"),
        ("1,1234567890123456789,x", "n must be an integer of at most 18 digits", "'1234"),
        ("1,5,\udcff", "must be UTF-8", r"b'1,5,\xff'"),
    ],
)
def test_malformed_line_is_an_error_with_its_number_or_is_counted(
    tmp_path, write, line, rule, received
):
    path = write(tmp_path / "a.csv", [*GOOD, line, *GOOD[1:], line])
    with pytest.raises(ValueError, match=re.escape(f"a.csv, line 5: {rule}")) as error:
        _rows(_reader(), path)
    assert f"Received: {received}" in str(error.value)

    reader = _reader(on_error="skip")
    assert _rows(reader, path) == _rows(_reader(), write(tmp_path / "b.csv", GOOD)) * 2
    assert reader.skipped == {"a.csv": 2}


def test_line_numbers_count_over_chunks(tmp_path, write, monkeypatch):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 50)
    path = write(tmp_path / "a.csv.gz", ["label,n,c", *["1,5,xyz"] * 100, "1,bad,x"])
    with pytest.raises(ValueError, match=r"line 102: n must be an integer"):
        _rows(_reader(), path)


def test_header_is_checked(tmp_path, write):
    path = write(tmp_path / "a.csv", ["label,c,n", "1,5,x"])
    with pytest.raises(ValueError, match=r"line 1: header must be 'label,n,c'\. Received: 'label,"):
        _rows(_reader(), path)


@pytest.mark.parametrize("on_error", raw.ON_ERROR)
@pytest.mark.parametrize("damage", ["truncated", "no gzip", "garbled"])
def test_damaged_gzip_is_an_error(tmp_path, damage, on_error):
    data = bytearray(gzip.compress("\n".join([GOOD[0], *["1,5,x"] * 9000]).encode()))
    if damage == "truncated":
        data = data[: len(data) // 2]
    elif damage == "no gzip":
        data = b"label,n,c\n1,5,x\n"
    else:
        data[20:40] = b"x" * 20
    (tmp_path / "a.csv.gz").write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"a\.csv\.gz, after line \d+: must be readable"):
        _rows(_reader(on_error=on_error), tmp_path / "a.csv.gz")


def test_a_malformed_line_is_told_before_damage_behind_it(tmp_path, write, monkeypatch):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 100)
    path = write(tmp_path / "a.csv.gz", [*GOOD, "1,bad,x", *["1,5,x"] * 50])
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="line 5: n must be an integer"):
        _rows(_reader(), path)
    with pytest.raises(ValueError, match=r"after line \d+: must be readable"):
        _rows(_reader(on_error="skip"), path)


def test_use_is_called_with_each_chunk_and_its_results_keep_their_order(
    tmp_path, write, monkeypatch
):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 64)
    path = write(tmp_path / "a.csv", ["label,n,c", *[f"1,{i},x" for i in range(300)]])
    lists = list(_reader().read(path, use=lambda chunk: chunk.columns["n"].to_pylist()))
    assert len(lists) > 20
    assert [number for part in lists for number in part] == [str(i) for i in range(300)]


def test_chunks_do_not_change_rows_or_draws(tmp_path, write, monkeypatch):
    path = write(tmp_path / "a.csv.gz", ["label,n,c", *[f"1,{i},x" for i in range(500)]])

    def read():
        chunks = list(_reader(seed=3).read(path))
        numbers = [number for chunk in chunks for number in chunk.columns["n"].to_pylist()]
        return len(chunks), numbers, np.concatenate([chunk.draws for chunk in chunks])

    chunks, numbers, draws = read()
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 64)
    more_chunks, same_numbers, same_draws = read()

    assert chunks == 1
    assert more_chunks > 20
    assert numbers == same_numbers == [str(i) for i in range(500)]
    np.testing.assert_array_equal(draws, same_draws)
    assert 0.4 < draws.mean() < 0.6


def test_keep_selects_lines_and_their_draws_and_numbers(tmp_path, write):
    path = write(tmp_path / "a.csv", [*GOOD, "1,bad,x"])
    everything = next(iter(_reader(on_error="skip").read(path)))
    kept = next(iter(_reader().read(path, keep=lambda lines, draws: [0, 2])))
    assert kept.columns["n"].to_pylist() == ["5", "-3"]
    np.testing.assert_array_equal(kept.draws, everything.draws[[0, 2]])
    with pytest.raises(ValueError, match=r"line 5: n must be"):
        list(_reader().read(path, keep=lambda lines, draws: [1, 3]))


def test_progress_adds_up_to_the_file_size(tmp_path, write, monkeypatch):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 1000)
    path = write(tmp_path / "a.csv.gz", ["label,n,c", *[f"1,{i**3},x" for i in range(5000)]])
    steps = []
    _rows(_reader(), path, progress=steps.append)
    assert sum(steps) == path.stat().st_size


def test_numbers(tmp_path, write):
    good = ["1", "-0.5", "+3.", ".25", "1e-3", ""]
    reader = raw.Reader({"x": raw.NUMBER}, on_error="skip")
    bad = ["nan", "inf", "1e999", "1_0", " 1", "x", "."]
    path = write(tmp_path / "a.csv", ["x", *good[:-1], *bad, "", "0"])
    assert [row for (row,) in _rows(reader, path)] == [*good, "0"]
    assert reader.skipped == {"a.csv": len(bad)}


def _zst(path, lines):
    path.write_bytes(pa.compress("\n".join(lines).encode(), codec="zstd", asbytes=True))
    return path


def test_zstandard_has_the_rows_and_draws_of_plain_text(tmp_path, write):
    plain = list(_reader().read(write(tmp_path / "a.csv", GOOD)))
    packed = list(_reader().read(_zst(tmp_path / "a.csv.zst", GOOD)))
    assert [c.columns for c in packed] == [c.columns for c in plain]
    np.testing.assert_array_equal(packed[0].draws, plain[0].draws)


def test_damaged_zstandard_is_an_error(tmp_path):
    path = _zst(tmp_path / "a.csv.zst", [GOOD[0], *(f"1,{i},x" for i in range(9000))])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"a\.csv\.zst, after line \d+: must be readable"):
        _rows(_reader(), path)


def test_quoted_cells_and_empty_lines(tmp_path, write):
    lines = ['"label","n",c', '1,5,"a, ""b"""', "", '0,"",5" screen', '"1",-3,x']
    path = write(tmp_path / "a.csv", ["\ufeff" + lines[0], *lines[1:], ""])
    reader = _reader(quoted=True, lenient=True, unread=("n",))
    assert _rows(reader, path) == [("1", 'a, "b"'), ("0", '5" screen'), ("1", "x")]
    numbers = [chunk.numbers.tolist() for chunk in reader.read(path)]
    assert numbers == [[2, 4, 5]]
    assert reader.skipped == {"a.csv": 0}


@pytest.mark.parametrize("line", ['1,5,"open', '1,5,x"y,"z', '1,"5,x'])
def test_a_quote_that_does_not_end_on_its_line(tmp_path, write, line):
    path = write(tmp_path / "a.csv", [*GOOD, line, '1,7,"ok\r\r"', "", "0,bad"])
    with pytest.raises(ValueError, match="line 5: a quoted cell must end on its line") as error:
        _rows(_reader(quoted=True, lenient=True), path)
    assert repr(line)[1:-1] in str(error.value)
    reader = _reader(quoted=True, lenient=True, on_error="skip")
    assert _rows(reader, path)[3:] == [("1", "7", "ok\r\r")]
    assert reader.skipped == {"a.csv": 2}
    path.write_text("\n".join([*GOOD, line]))
    assert _rows(reader, path) == _rows(_reader(), write(tmp_path / "b.csv", GOOD))
    assert reader.skipped == {"a.csv": 1}


def test_a_long_last_line_and_what_follows_a_quoted_part(tmp_path, write):
    long = "x" * 200_000
    path = write(tmp_path / "a.csv", [*GOOD, '1,5,"a"b', f"0,5,{long}"])
    assert _rows(_reader(quoted=True, lenient=True), path)[3:] == [
        ("1", "5", "ab"),
        ("0", "5", long),
    ]
    path = write(tmp_path / "b.csv", [*GOOD, f"0,5,{long}", '1,5,"a"b'])
    assert _rows(_reader(quoted=True, lenient=True), path)[3:] == [
        ("0", "5", long),
        ("1", "5", "ab"),
    ]


@pytest.mark.parametrize("header", ['label,n,"c', "label,n,c\rlabel"])
def test_a_header_that_is_not_well_formed(tmp_path, write, header):
    path = write(tmp_path / "a.csv", [header, "1,5,x"])
    with pytest.raises(ValueError, match=r"a\.csv, line 1: "):
        _rows(_reader(quoted=True, lenient=True), path)


def test_a_byte_order_mark_is_no_part_of_the_first_cell(tmp_path, write):
    path = write(tmp_path / "a.csv", ["\ufeff1,5,x", "0,,\ufeff"])
    assert _rows(_reader(quoted=True, lenient=True, header=False), path) == [
        ("1", "5", "x"),
        ("0", "", "\ufeff"),
    ]
    with pytest.raises(ValueError, match=r"line 1: label must be 0 or 1\. Received: '\\ufeff1'"):
        _rows(_reader(header=False), path)


@pytest.mark.parametrize("number", ["3.5e38", "-1e39", "9e99"])
def test_a_number_is_one_that_float32_has(tmp_path, write, number):
    path = write(tmp_path / "a.csv", ["x", "3.4e38", number])
    with pytest.raises(ValueError, match=r"line 3: x must be a decimal number that float32 has"):
        _rows(raw.Reader({"x": raw.NUMBER}), path)


@pytest.mark.parametrize("separator", [";;", "", "é", "a", "0", "\n", '"', 5, None])
def test_a_separator_that_cannot_be_one(separator):
    with pytest.raises(ValueError, match=r"separator must be one ASCII character"):
        raw.check_separator(separator)
