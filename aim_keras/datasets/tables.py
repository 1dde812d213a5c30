"""Reads a user's own tables, text or Parquet, whose columns may come in any order, as chunks."""

import collections
import contextlib
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from aim_keras.datasets import raw, raw_files

PARQUET = (".parquet", ".pq")
TEXT = (".csv", ".tsv", ".txt")
BATCH_ROWS = 1 << 14
SEPARATORS = ",\t;|"
ITEM_SEPARATOR = "\x1f"  # of a list of Parquet where the schema has no other


class NoTextError(ValueError):
    """Of a column that has a value without a text."""

    def __init__(self, text: str, column: str, kind: pa.DataType):
        super().__init__(text)
        self.column, self.kind = column, kind


@dataclass
class TableReader(raw.PieceReader):
    """Reads the columns that are asked for, by their names.

    Args:
        rules: dict from the name of a column to read to its `raw.Rule`, or None for any string.
        separator: str between the cells of a text file.
        names: the columns of text files without a header; None where the first line names them.
        partitions: dict from path to the columns that all rows of that file share, with their
            value (`own_files.partitions`); a column that the file has itself comes before these.
        list_separators: dict from column name to what is put between the items of a list.
        on_error: "raise" or "skip", as of `raw.Reader`.
        seed: int, seed of the rows' draws.
        quoted: bool, whether cells of text may be quoted. Defaults to True.
    """

    rules: Mapping[str, raw.Rule | None]
    separator: str = ","
    names: Sequence[str] | None = None
    partitions: Mapping[pathlib.Path, Mapping[str, str]] = field(default_factory=dict)
    list_separators: Mapping[str, str] = field(default_factory=dict)
    on_error: str = "raise"
    seed: int = 0
    quoted: bool = True
    skipped: dict[str, int] = field(default_factory=dict)
    _readers: dict[pathlib.Path, raw.Reader] = field(default_factory=dict, init=False)
    _shared: dict[pathlib.Path, dict[str, str]] = field(default_factory=dict, init=False)

    def pieces(self, path, progress=lambda n: None):
        self.check_columns(path)
        if is_parquet(path):
            return self._batches(path, progress)
        return self._text(path).pieces(path, progress)

    def chunk(self, path, piece, keep=None):
        if is_parquet(path):
            unit, chunk = "row", self._chunk(path, *piece)
            chunk, skipped = raw.checked(chunk, self.rules, {}, self.on_error, path, unit)
        else:
            unit, (chunk, skipped) = "line", self._text(path).chunk(path, piece, keep)
        if not (shared := self._shared_columns(path)):
            return chunk, skipped
        rows = len(chunk.draws)
        columns = {name: pa.repeat(v, rows).dictionary_encode() for name, v in shared.items()}
        chunk = raw.Chunk(chunk.columns | columns, chunk.draws, chunk.numbers)
        rules = dict.fromkeys(chunk.columns) | {name: self.rules[name] for name in shared}
        chunk, more = raw.checked(chunk, rules, {}, self.on_error, path, unit)
        return chunk, skipped + more

    def _names(self, path) -> list[str]:
        """The columns of a file itself."""
        given = self.names
        if given is not None:
            given = [name for name in given if name not in self.partitions.get(path, ())]
        return columns(path, self.separator, given, self.quoted)

    def _shared_columns(self, path) -> dict[str, str]:
        """The columns that are read from the names of a file's folders, with their value."""
        if path not in self._shared:
            given = {k: v for k, v in self.partitions.get(path, {}).items() if k in self.rules}
            names = self._names(path) if given else []
            self._shared[path] = {k: v for k, v in given.items() if k not in names}
        return self._shared[path]

    def check_columns(self, path) -> None:
        """Raises `ValueError` of a file that lacks a column."""
        names = [*self._names(path), *self._shared_columns(path)]
        if missing := [name for name in self.rules if name not in names]:
            rule = f"the columns must have {', '.join(map(repr, missing))}"
            raise ValueError(raw.error_text(path, 1, rule, ", ".join(map(repr, names))))

    def _text(self, path) -> raw.Reader:
        """The reader of a text file, whose columns are looked at once."""
        if path not in self._readers:
            names = self._names(path)
            self._readers[path] = raw.Reader(
                {name: self.rules.get(name) for name in names},
                self.separator,
                header=self.names is None,
                on_error=self.on_error,
                seed=self.seed,
                quoted=self.quoted,
                lenient=True,
                unread=[name for name in names if name not in self.rules],
            )
        return self._readers[path]

    def of_file(self, path) -> list[str]:
        """The columns that are read from a file itself."""
        return [name for name in self.rules if name not in self._shared_columns(path)]

    def _batches(self, path, progress):
        rng = raw.draws_of(path, self.seed)
        number, size = 1, path.stat().st_size
        with undamaged(path), parquet.ParquetFile(path) as file:
            total = file.metadata.num_rows
            for batch in file.iter_batches(BATCH_ROWS, columns=self.of_file(path)):
                batch.validate(full=True)
                yield raw.Piece(number, batch, rng.random((batch.num_rows, 2)))
                number += batch.num_rows
                progress(size * batch.num_rows // max(total, 1))
            if number != 1 + total:
                raise pa.ArrowInvalid(f"{number - 1} rows in place of {total}")

    def _chunk(self, path, number, batch, draws):
        found = {}
        for name in self.of_file(path):
            column = batch.column(name)
            try:
                found[name] = _strings(column, self.list_separators.get(name, ITEM_SEPARATOR))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                rule = f"{name} must be of a type that has a text, or a list of one"
                text = raw.error_text(path, number, rule, column.type, "row")
                raise NoTextError(text, name, column.type) from error
        return raw.Chunk(found, draws, number + np.arange(len(draws)))


def columns(
    path: pathlib.Path, separator: str, names: Sequence[str] | None = None, quoted: bool = True
) -> list[str]:
    """The names of a file's columns, which for text without a header are given.

    Raises:
        ValueError: if there are none, or a name comes twice.
    """
    if is_parquet(path):
        found = _parquet_schema(path).names
    elif names is not None:
        found = list(names)
    else:
        found = raw.header_cells(path, first_line(path), separator, quoted)
    if twice := [name for name, count in collections.Counter(found).items() if count > 1]:
        raise ValueError(
            raw.error_text(path, 1, "the columns must have distinct names", f"twice {twice}")
        )
    return found


def likely_separator(path: pathlib.Path) -> str:
    """What stands between the cells of a file: of `SEPARATORS` the one its first line has most."""
    if is_parquet(path):
        return ","
    return max(SEPARATORS, key=first_line(path).decode("utf-8", "replace").count)


def first_line(path: pathlib.Path) -> bytes:
    """The first line of a text file.

    Raises:
        ValueError: if there is none.
    """
    for data, _ in raw_files.read_lines(path):
        line, end, _ = data.partition(b"\n")
        return line.removesuffix(b"\r") if end else line
    raise ValueError(raw.error_text(path, 1, "there must be rows", "an empty file"))


def list_columns(path: pathlib.Path) -> set[str]:
    """The columns of a file that hold lists."""
    if not is_parquet(path):
        return set()
    return {column.name for column in _parquet_schema(path) if _is_list(column.type)}


def without_text(path: pathlib.Path) -> dict[str, str]:
    """The columns of a file whose values have no text of use, and why."""
    found = _parquet_schema(path) if is_parquet(path) else ()
    whys = {column.name: (column.type, _lacking(column.type)) for column in found}
    return {name: f"{kind}: {why}" for name, (kind, why) in whys.items() if why}


def durations(path: pathlib.Path) -> dict[str, str]:
    """The columns of a file that hold durations, which are whole numbers, with their units."""
    found = _parquet_schema(path) if is_parquet(path) else ()
    return {column.name: column.type.unit for column in found if pa.types.is_duration(column.type)}


def _lacking(kind: pa.DataType) -> str:
    """Why a type is of no use, or nothing."""
    if pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type):
        return "a dense vector"
    try:
        _strings(pa.array([], kind), ITEM_SEPARATOR)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return "it has no text"
    return ""


def count_rows(path: pathlib.Path, header: bool) -> int:
    """The rows of a file, the malformed ones included, up to the last line with a character."""
    if is_parquet(path):
        with undamaged(path), parquet.ParquetFile(path) as file:
            return file.metadata.num_rows
    before = rows = 0
    for data, lines in raw_files.read_lines(path):
        if written := data.rstrip(b"\r\n"):
            rows = before + 1 + written.count(b"\n")
        before += lines
    return max(rows - header, 0)


def first_number(path: pathlib.Path, header: bool) -> int:
    """The number that chunks have for a file's first row."""
    return 1 if is_parquet(path) else 1 + header


def is_parquet(path: pathlib.Path) -> bool:
    """Whether a file is Parquet, by its name."""
    return path.suffix in PARQUET


def is_table(path: pathlib.Path) -> bool:
    """Whether a file's name is that of text or Parquet."""
    return raw_files.unpacked_name(path.name).endswith((*TEXT, *PARQUET)) and path.is_file()


def _parquet_schema(path):
    with undamaged(path):
        return parquet.read_schema(path)


@contextlib.contextmanager
def undamaged(path: pathlib.Path):
    """Says of which file it is what Arrow finds in one that is damaged, or no Parquet."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be a Parquet file, undamaged. Received: {error}") from error


def _is_list(kind: pa.DataType) -> bool:
    of_any_length = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return of_any_length or pa.types.is_fixed_size_list(kind)


def _strings(column: pa.Array, separator: str) -> pa.DictionaryArray:
    """A column as strings, the missing ones and those in a list empty."""
    if pa.types.is_fixed_size_list(column.type):
        column = column.cast(pa.list_(column.type.value_type))
    if _is_list(column.type):
        items = pa.ListArray.from_arrays(
            column.offsets.cast(pa.int32()), _text(column.values).fill_null("")
        )
        column = pc.if_else(column.is_valid(), pc.binary_join(items, separator), "")
    return _text(column).fill_null("").dictionary_encode()


def _text(column):
    """Values as strings, whole numbers as digits: Arrow writes large floats with an exponent."""
    if not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    if pa.types.is_float16(column.type):  # of which Arrow has no floor
        column = column.cast(pa.float32())
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
    digits = pc.if_else(whole, column, 0).cast(pa.int64()).cast(pa.string())
    return pc.if_else(whole, digits, column.cast(pa.string()))
