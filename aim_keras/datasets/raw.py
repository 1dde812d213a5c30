"""Reads raw delimited text: checked columns, chunk by chunk, on all cores."""

import pathlib
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from aim_keras.datasets import delimited, raw_files
from aim_keras.datasets.ordered import in_order

ON_ERROR = ("raise", "skip")


@dataclass(frozen=True)
class Rule:
    """What a raw cell must be: a sentence for the reader, a predicate for the machine."""

    text: str
    holds: Callable[[str], object]


LABEL = Rule("must be 0 or 1", {"0", "1"}.__contains__)
INTEGER = Rule(
    "must be an integer of at most 18 digits, or empty", re.compile("-?[0-9]{1,18}|").fullmatch
)
LARGEST = float(np.finfo(np.float32).max)
DECIMAL = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")
NUMBER = Rule(
    "must be a decimal number that float32 has, or empty",
    lambda cell: not cell or (DECIMAL.fullmatch(cell) and abs(float(cell)) <= LARGEST),
)


@dataclass(frozen=True)
class Chunk:
    """Neighbouring well-formed rows of one file.

    Args:
        columns: dict from column name to a `pa.DictionaryArray` of raw strings, `(rows,)`; each
            value of its dictionary occurs in the rows.
        draws: float array `(rows, 2)` of uniform numbers that belong to the rows: they depend on
            the seed, the file name and the line number only.
        numbers: int array `(rows,)`: the line numbers.
    """

    columns: dict[str, pa.DictionaryArray]
    draws: np.ndarray
    numbers: np.ndarray


Keep = Callable[[list[bytes], np.ndarray], Sequence[int]]  # of (lines, draws): which to parse


class Piece(NamedTuple):
    """Neighbouring rows of one file, not yet parsed.

    Args:
        number: int, the number of the first one: of text its line, from 1.
        rows: bytes of whole lines, or a `pa.RecordBatch`.
        draws: float array `(rows, 2)`, as a `Chunk` has them.
    """

    number: int
    rows: bytes | pa.RecordBatch
    draws: np.ndarray


class PieceReader:
    """Base of readers: a subclass cuts a file into pieces in order, and parses each by itself."""

    skipped: dict[str, int]

    def pieces(self, path, progress: Callable[[int], object] = lambda n: None) -> Iterator[Piece]:
        """Yields a file's pieces, in order, whose rows make up the file."""
        raise NotImplementedError

    def chunk(self, path, piece: Piece, keep: Keep | None = None) -> tuple[Chunk, int]:
        """The rows of a piece that are kept and well-formed, and the number of malformed ones."""
        raise NotImplementedError

    def read(
        self,
        path,
        progress: Callable[[int], object] = lambda n: None,
        keep: Keep | None = None,
        use: Callable[[Chunk], object] = lambda chunk: chunk,
    ) -> Iterator:
        """Yields `use(chunk)` of a file's chunks in order, and counts its malformed lines anew.

        Args:
            path: path of a file; the name of a text file ending in .gz or .zst is unpacked.
            progress: called with the number of bytes of the file that were consumed since.
            keep: optional function of (lines, draws): the rising indices of the lines to parse.
            use: called with each chunk, by several threads at a time, as `keep` is. Defaults to the
                chunk itself.

        Raises:
            ValueError: file, line number, rule and what was received.
        """
        path = pathlib.Path(path)

        def work(piece):
            chunk, skipped = self.chunk(path, piece, keep)
            return [use(chunk)] if len(chunk.draws) else [], skipped

        self.skipped[path.name] = 0
        for results, skipped in in_order(work, self.pieces(path, progress)):
            self.skipped[path.name] += skipped
            yield from results


@dataclass
class Reader(PieceReader):
    """Reads files of one shape.

    Args:
        columns: dict from column name, in file order, to its `Rule`, or None for any string.
        separator: str, one ASCII character, no letter. Defaults to a comma.
        header: bool, whether the first line must be the column names.
        quoted: bool, whether a cell may stand between double quotes; only then it may hold the
            separator. Defaults to False.
        lenient: bool, whether a byte order mark and empty lines are left out. Defaults to False.
        unread: names of columns that chunks do not have.
        on_error: "raise" makes the first malformed line a ValueError, "skip" leaves such lines out
            and counts them in `skipped`. A damaged packed file is an error either way.
        seed: int, seed of the rows' draws.
    """

    columns: dict[str, Rule | None]
    separator: str = ","
    header: bool = True
    on_error: str = "raise"
    seed: int = 0
    quoted: bool = False
    lenient: bool = False
    unread: Collection[str] = ()
    skipped: dict[str, int] = field(default_factory=dict)

    def pieces(self, path, progress=lambda n: None):
        rng = draws_of(path, self.seed)
        number = 1
        for data, lines in raw_files.read_lines(path, progress):
            data = delimited.unix_lines(data)
            if number == 1 and self.lenient:
                data = data.removeprefix(delimited.MARK)
            if number == 1 and self.header:
                header, _, data = data.partition(b"\n")
                self._check_header(path, header)
                number, lines = 2, lines - 1
            yield Piece(number, data, rng.random((lines, 2)))
            number += lines

    def _check_header(self, path, line: bytes) -> None:
        expected = self.separator.join(self.columns)
        if line != expected.encode() and not (
            self.lenient
            and header_cells(path, line, self.separator, self.quoted) == list(self.columns)
        ):
            received = repr(line.decode("utf-8", "replace"))
            raise ValueError(error_text(path, 1, f"header must be {expected!r}", received))

    def chunk(self, path, piece, keep=None):
        number, data, draws = piece
        kept = np.arange(len(draws))
        if keep is not None:
            lines = data.split(b"\n")[: len(draws)]
            kept = np.asarray(keep(lines, draws), np.intp)
            data = b"".join(lines[i] + b"\n" for i in kept)
        layout = list(self.columns), self.separator, self.quoted, self.unread, self.lenient
        columns, rows, bad = delimited.parse(data, len(kept), *layout)
        chunk = Chunk(columns, draws[kept[rows]], number + kept[rows])
        bad = {number + kept[row]: why for row, why in bad.items()}
        return checked(chunk, self.columns, bad, self.on_error, path)


def checked(
    chunk: Chunk,
    rules: Mapping[str, Rule | None],
    bad: dict[int, tuple[str, object]],
    on_error: str,
    path,
    unit: str = "line",
) -> tuple[Chunk, int]:
    """A chunk without its malformed rows, and their number.

    Args:
        chunk: `Chunk`.
        rules: dict from column name to its `Rule`, or None.
        bad: by line number, the rule that is known to be broken and what was received.
        on_error: "raise" or "skip".
        path, unit: of what an error tells.

    Raises:
        ValueError: of the first malformed row, if `on_error` is "raise".
    """
    for name, column in chunk.columns.items():
        rule = rules[name]
        for row, cell in delimited.find(column, rule.holds) if rule else ():
            bad.setdefault(chunk.numbers[row], (f"{name} {rule.text}", repr(cell)))
    if not bad:
        return chunk, 0
    if on_error == "raise":
        raise ValueError(error_text(path, min(bad), *bad[min(bad)], unit=unit))
    good = ~np.isin(chunk.numbers, list(bad))
    columns = {name: delimited.select(column, good) for name, column in chunk.columns.items()}
    return Chunk(columns, chunk.draws[good], chunk.numbers[good]), len(bad)


def header_cells(path, line: bytes, separator: str, quoted: bool = True) -> list[str]:
    """The cells of a first line, which may be quoted if `quoted`, without a byte order mark.

    Raises:
        ValueError: if it is no UTF-8, or a quoted cell does not end.
    """
    try:
        return delimited.cells(line.removeprefix(delimited.MARK), separator, quoted)
    except ValueError as error:
        rule = "must be UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ValueError(error_text(path, 1, rule, line)) from error


def draws_of(path: pathlib.Path, seed: int) -> np.random.Generator:
    """What draws the numbers of a file's rows, packed or not."""
    return np.random.default_rng([seed, zlib.crc32(raw_files.unpacked_name(path.name).encode())])


def check_separator(separator) -> None:
    """Raises `ValueError` unless it can stand between cells: one ASCII character, no letter."""
    is_one = isinstance(separator, str) and len(separator) == 1 and separator.isascii()
    if not is_one or separator.isalnum() or separator in '"\r\n\x1b':
        raise ValueError(
            "separator must be one ASCII character: no letter, digit, quote, line end or escape. "
            f"Received: separator={separator!r}"
        )


def error_text(path, number: int, rule: str, received, unit: str = "line") -> str:
    """What an error says of a row."""
    return f"{path}, {unit} {number}: {rule}. Received: {received}"
