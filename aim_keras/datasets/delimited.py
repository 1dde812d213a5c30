"""Lines of delimited text, quoted or not, to dictionary-encoded columns of strings."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

STRINGS = pa.dictionary(pa.int32(), pa.string())
MARK = b"\xef\xbb\xbf"  # a byte order mark, which the parser drops where text starts with one
NARROW = b"x"  # a line of one cell
QUOTE = b'"'
OPEN = 'a quoted cell must end on its line, or a schema say "quoted": false'
HIDDEN = {"\x1b": "\x1be", "\r": "\x1br"}  # a lone carriage return ends a line for the parser


def unix_lines(data: bytes) -> bytes:
    """Text with the line ends of Windows turned into those of Unix."""
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def line_ends(data: bytes) -> np.ndarray:
    """Where a text has its line feeds."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))


def cells(line: bytes, separator: str, quoted: bool = True) -> list[str]:
    """The cells, which may be quoted if `quoted`, of one line in UTF-8.

    Raises:
        UnicodeDecodeError: if it is no UTF-8.
        ValueError: if a quoted cell does not end.
    """
    text, found, start = line.decode(), [], 0
    if not quoted:
        return text.split(separator)
    cell = re.compile(rf'(?:"((?:[^"]|"")*+)"|(?!"))([^{re.escape(separator)}]*)')
    while start <= len(text):
        match = cell.match(text, start)
        if match is None:
            raise ValueError(OPEN)
        quoted, plain = match.groups("")
        found.append(quoted.replace('""', '"') + plain)
        start = match.end() + 1
    return found


def parse(
    data: bytes,
    lines: int,
    names: Sequence[str],
    separator: str,
    quoted: bool = False,
    unread: Collection[str] = (),
    lenient: bool = False,
) -> tuple[dict[str, pa.DictionaryArray], np.ndarray, dict[int, tuple[str, object]]]:
    """Text of Unix lines to columns.

    Args:
        data: bytes, lines; the last one needs no end.
        lines: int, their number.
        names: names of the columns.
        separator: str, one ASCII character: no letter, line end or escape.
        quoted: bool, whether a cell may stand between double quotes, and hold the separator then.
            Defaults to False.
        unread: names of columns to leave out.
        lenient: bool, whether lines without any character are left out. Defaults to False.

    Returns:
        The columns by name, of the lines that have all of them; the index of each such line,
        `(rows,)`; and by index the malformed lines: the broken rule, and what was received. A line
        that is no UTF-8 may be both.
    """
    read = [name for name in names if name not in unread]
    if not lines:
        return dict.fromkeys(read, pa.array([], STRINGS)), np.arange(0), {}
    data, undecoded = _without_undecodable(data)
    shown_data, hidden = data, b"\r" in data
    for shown, stand_in in HIDDEN.items() if hidden else ():
        data = data.replace(shown.encode(), stand_in.encode())
    empty = _empty(data) if len(names) > 1 else []
    data = _narrowed(data, empty)
    bad = {}

    def skip(row):
        bad[row.number - 1] = (f"must have {row.expected_columns} columns", row.actual_columns)
        return "skip"

    table = csv.read_csv(
        pa.BufferReader(MARK * data.startswith(MARK) + data),
        csv.ReadOptions(use_threads=False, block_size=len(data) + 9, column_names=names),
        csv.ParseOptions(
            delimiter=separator,
            quote_char=QUOTE.decode() if quoted else False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        csv.ConvertOptions(
            column_types=dict.fromkeys(read, STRINGS),
            include_columns=read,
            check_utf8=False,
        ),
    )
    if quoted and (len(table) + len(bad) < lines or not _is_ended(_last(data), separator)):
        data, opened = _without_open_quotes(shown_data, lines, separator)
        columns, rows, bad = parse(data, lines, names, separator, quoted, unread, lenient)
        return columns, rows, bad | undecoded | opened
    columns = {name: table[name].chunk(0) for name in read}
    if hidden:
        columns = {name: _show(column) for name, column in columns.items()}
    rows = np.delete(np.arange(lines), list(bad))
    if lenient:
        bad = {row: bad[row] for row in bad.keys() - set(empty)}
    return columns, rows, bad | undecoded


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
    return _narrowed(data, undecoded), {i: ("must be UTF-8", x) for i, x in undecoded.items()}


def _empty(data: bytes) -> list[int]:
    """The empty lines, whose cells the parser would fill up."""
    return np.flatnonzero(np.diff(line_ends(data), prepend=-1) == 1).tolist()


def _narrowed(data: bytes, rows: Collection[int]) -> bytes:
    """Text with lines of one cell in place of some."""
    if not rows:
        return data
    lines = data.split(b"\n")
    for row in rows:
        lines[row] = NARROW
    return b"\n".join(lines)


def _without_open_quotes(data: bytes, lines: int, separator: str) -> tuple[bytes, dict]:
    """Text with lines of one cell in place of those whose last quoted cell is not ended."""
    text = data.split(b"\n")[:lines]
    quoted = {i: line for i, line in enumerate(text) if QUOTE in line}
    opened = {i: line for i, line in quoted.items() if not _is_ended(line, separator)} or quoted
    return _narrowed(data, opened), {i: (OPEN, line) for i, line in opened.items()}


def _last(data: bytes) -> bytes:
    return data[data.rfind(b"\n", 0, -1) + 1 :].removesuffix(b"\n")


def _is_ended(line: bytes, separator: str) -> bool:
    """Whether a line has no quoted cell that would go on after it."""
    try:
        cells(line, separator)
    except ValueError:
        return False
    return True


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
