"""Lines of delimited text, without any quoting, to dictionary-encoded columns of strings."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

STRINGS = pa.dictionary(pa.int32(), pa.string())
MARK = b"\xef\xbb\xbf"  # a byte order mark, which the parser drops where text starts with one
NARROW = b"x"  # a line of one cell
HIDDEN = {"\x1b": "\x1be", "\r": "\x1br"}  # a lone carriage return ends a line for the parser


def unix_lines(data: bytes) -> bytes:
    """Text with the line ends of Windows turned into those of Unix."""
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def line_ends(data: bytes) -> np.ndarray:
    """Where a text has its line feeds."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))


def parse(
    data: bytes, lines: int, names: Sequence[str], separator: str
) -> tuple[dict[str, pa.DictionaryArray], np.ndarray, dict[int, tuple[str, object]]]:
    """Text of Unix lines to columns.

    Args:
        data: bytes, lines; the last one needs no end.
        lines: int, their number.
        names: names of the columns.
        separator: str, one ASCII character: no letter, line end or escape.

    Returns:
        The columns by name, of the lines that have all of them; the index of each such line,
        `(rows,)`; and by index the malformed lines: the broken rule, and what was received. A line
        that is no UTF-8 may be both.
    """
    if not lines:
        return dict.fromkeys(names, pa.array([], STRINGS)), np.arange(0), {}
    data, undecoded = _without_undecodable(data)
    hidden = b"\r" in data
    for shown, stand_in in HIDDEN.items() if hidden else ():
        data = data.replace(shown.encode(), stand_in.encode())
    if len(names) > 1:
        data = _without_empty(data)
    bad = {}

    def skip(row):
        bad[row.number - 1] = (f"must have {row.expected_columns} columns", row.actual_columns)
        return "skip"

    table = csv.read_csv(
        pa.BufferReader(MARK * data.startswith(MARK) + data),
        csv.ReadOptions(use_threads=False, block_size=len(data) + 9, column_names=names),
        csv.ParseOptions(
            delimiter=separator,
            quote_char=False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        csv.ConvertOptions(column_types=dict.fromkeys(names, STRINGS), check_utf8=False),
    )
    columns = {name: table[name].chunk(0) for name in names}
    if hidden:
        columns = {name: _show(column) for name, column in columns.items()}
    return columns, np.delete(np.arange(lines), list(bad)), bad | undecoded


def find(column: pa.DictionaryArray, holds: Callable[[str], object]) -> Iterator[tuple[int, str]]:
    """The rows, and their values, of which something does not hold."""
    values = column.dictionary.to_pylist()
    wrong = [i for i, value in enumerate(values) if not holds(value)]
    if wrong:
        places = column.indices.to_numpy()
        for row in np.flatnonzero(np.isin(places, wrong)).tolist():
            yield row, values[places[row]]


def select(column: pa.DictionaryArray, rows: np.ndarray) -> pa.DictionaryArray:
    """The rows where a boolean array is true, with a dictionary of their values alone."""
    return column.filter(pa.array(rows)).dictionary_decode().dictionary_encode()


def _without_undecodable(data: bytes) -> tuple[bytes, dict[int, tuple[str, bytes]]]:
    """Text with lines of one cell in place of those that are no UTF-8, and these, by index."""
    if data.isascii() or _is_utf8(data):
        return data, {}
    lines = data.split(b"\n")
    undecoded = {i: line for i, line in enumerate(lines) if not _is_utf8(line)}
    data = b"\n".join(NARROW if i in undecoded else line for i, line in enumerate(lines))
    return data, {i: ("must be UTF-8", line) for i, line in undecoded.items()}


def _without_empty(data: bytes) -> bytes:
    """Text with a cell in its empty lines, which the parser would fill up with empty cells."""
    if np.any(np.diff(line_ends(data), prepend=-1) == 1):
        lines = data.split(b"\n")
        data = b"\n".join([*(line or NARROW for line in lines[:-1]), lines[-1]])
    return data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _show(column: pa.DictionaryArray) -> pa.DictionaryArray:
    values = column.dictionary
    for shown, stand_in in reversed(HIDDEN.items()):
        values = pc.replace_substring(values, stand_in, shown)
    return pa.DictionaryArray.from_arrays(column.indices, values)
