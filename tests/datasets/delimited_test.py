import numpy as np
import pytest

from aim_keras.datasets import delimited

ENDS = [b"\n", b"\r\n", b"\n\n", b",b\n", b"\r"]
ASCII = [b"a", b"0", b",", b"\t", b'"', b"'", b"\\", b"\x00", b"\x1b", b"\x1be", b"\x1br", b"."]
OTHER = ["é€".encode(), b"\xef\xbb\xbf", b"\xff", b"\xe2\x82"]


def _slow(data, width, separator):
    """The definition, line by line: the rows by line, and what is wrong with the other lines."""
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    rows, bad = {}, {}
    for i, line in enumerate(lines if lines[-1] else lines[:-1]):
        cells = line.decode("utf-8", "replace").split(separator)
        try:
            line.decode()
        except UnicodeDecodeError:
            bad[i] = ("must be UTF-8", line)
        else:
            if len(cells) == width:
                rows[i] = cells
            else:
                bad[i] = (f"must have {width} columns", len(cells))
    return rows, bad


@pytest.mark.parametrize("separator", [",", "\t", "0"])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_any_bytes_are_read_as_the_definition_reads_them(width, separator):
    rng = np.random.default_rng(width)
    names = [f"c{i}" for i in range(width)]
    pieces = np.array([*ENDS, *ASCII, *OTHER, *[separator.encode()] * 6], object)
    seen = set()
    for _ in range(300):
        data = b"".join(rng.choice(pieces, rng.integers(1, 25)))
        expected, bad = _slow(data, width, separator)
        text = delimited.unix_lines(data)
        count = len(expected) + len(bad)
        columns, rows, found = delimited.parse(text, count, names, separator)
        assert found == bad
        cells = [column.to_pylist() for column in columns.values()]
        read = {row: [column[i] for column in cells] for i, row in enumerate(rows.tolist())}
        assert {row: cells for row, cells in read.items() if row not in bad} == expected
        seen |= {rule for rule, _ in bad.values()} | {len(expected) > 1}
    assert len(seen) == 4, "all cases were met"


def test_equal_cells_are_held_once_and_rows_that_go_take_theirs_along():
    columns, _, _ = delimited.parse(b"a,x\nb,x\na,x\n", 3, ["c", "d"], ",")
    assert columns["c"].dictionary.to_pylist() == ["a", "b"]
    assert columns["d"].dictionary.to_pylist() == ["x"]
    left = delimited.select(columns["c"], np.array([False, True, False]))
    assert left.to_pylist() == left.dictionary.to_pylist() == ["b"]


def test_find_tells_rows_and_values():
    columns, _, _ = delimited.parse(b"a\nb\na\n\nc\n", 5, ["c"], ",")
    assert list(delimited.find(columns["c"], str.isalpha)) == [(3, "")]
    assert list(delimited.find(columns["c"], "bc".__contains__)) == [(0, "a"), (2, "a")]
