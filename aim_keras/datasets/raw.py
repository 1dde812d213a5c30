"""Streams raw delimited text files, plain or gzip: checked columns, chunk by chunk."""

import gzip
import itertools
import operator
import pathlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

CHUNK_BYTES = 1 << 18  # strings of a chunk stay in cache: 3 times as fast as 1 << 22
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
NUMBER = Rule(
    "must be a decimal number, or empty",
    re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?|").fullmatch,
)


@dataclass(frozen=True)
class Chunk:
    """Neighbouring well-formed rows of one file.

    Args:
        columns: dict from column name to a list of raw strings, `(rows,)`.
        draws: float array `(rows, 2)` of uniform numbers that belong to the rows: they depend on
            the seed, the file name and the line number only.
    """

    columns: dict[str, list[str]]
    draws: np.ndarray


@dataclass
class Reader:
    """Reads files of one shape.

    A cell may not hold the separator: quoting is not supported.

    Args:
        columns: dict from column name, in file order, to its `Rule`, or None for any string.
        separator: str, one character. Defaults to a comma.
        header: bool, whether the first line must be the column names.
        on_error: "raise" makes the first malformed line a ValueError, "skip" leaves such lines out
            and counts them in `skipped`. A damaged gzip file is an error either way.
        seed: int, seed of the rows' draws.
    """

    columns: dict[str, Rule | None]
    separator: str = ","
    header: bool = True
    on_error: str = "raise"
    seed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        self._accepted = {name: set() for name, rule in self.columns.items() if rule}

    def read(
        self,
        path,
        progress: Callable[[int], object] = lambda n: None,
        keep: Callable[[list[str], np.ndarray], Sequence[int]] | None = None,
    ) -> Iterator[Chunk]:
        """Yields the chunks of a file in order, and counts its malformed lines anew.

        Args:
            path: path of a text file; a name ending in .gz is read as gzip.
            progress: called with the number of bytes of the file that were consumed since.
            keep: optional function of (lines, draws): the rising indices of the lines to parse.

        Raises:
            ValueError: file, line number, rule and what was received.
        """
        path = pathlib.Path(path)
        rng = np.random.default_rng([self.seed, zlib.crc32(path.name.removesuffix(".gz").encode())])
        self.skipped[path.name] = 0
        number = 1
        for data in read_bytes(path, progress):
            lines, undecoded = _split_lines(data)
            following = number + len(lines)
            if number == 1 and self.header:
                self._check_header(path, lines.pop(0))
                undecoded = {i - 1: line for i, line in undecoded.items()}
                number += 1
            draws = rng.random((len(lines), 2))
            kept = range(len(lines)) if keep is None else keep(lines, draws)
            columns, bad = self._parse([lines[i] for i in kept])
            for i, k in enumerate(kept) if undecoded else ():
                if k in undecoded:
                    bad[i] = ("must be UTF-8", undecoded[k])
            if bad:
                if self.on_error == "raise":
                    raise ValueError(_error(path, number + kept[min(bad)], *bad[min(bad)]))
                self.skipped[path.name] += len(bad)
                good = [i not in bad for i in range(len(kept))]
                kept = list(itertools.compress(kept, good))
                columns = {k: list(itertools.compress(v, good)) for k, v in columns.items()}
            if len(kept):
                yield Chunk(columns, draws[np.asarray(kept)])
            number = following

    def _check_header(self, path, line: str) -> None:
        expected = self.separator.join(self.columns)
        if line != expected:
            raise ValueError(_error(path, 1, f"header must be {expected!r}", repr(line)))

    def _parse(self, lines: list[str]) -> tuple[dict[str, list[str]], dict[int, tuple]]:
        """The columns, and by index the malformed lines: the broken rule, what was received."""
        width = len(self.columns)
        counts = map(operator.methodcaller("count", self.separator), lines)
        bad = {
            i: (f"must have {width} columns", count + 1)
            for i, count in enumerate(counts)
            if count != width - 1
        }
        for i in bad:
            lines[i] = self.separator * (width - 1)
        cells = self.separator.join(lines).split(self.separator)
        columns = {name: cells[j::width] for j, name in enumerate(self.columns)}
        for name, rule in self.columns.items():
            if rule is not None and lines:
                accepted, found = self._accepted[name], set(columns[name])
                wrong = {cell for cell in found - accepted if not rule.holds(cell)}
                accepted |= found - wrong
                for i, cell in enumerate(columns[name]) if wrong else ():
                    if cell in wrong:
                        bad.setdefault(i, (f"{name} {rule.text}", repr(cell)))
        return columns, bad


def read_bytes(path, progress: Callable[[int], object] = lambda n: None) -> Iterator[bytes]:
    """Yields a file, unpacked, in pieces that end at line ends.

    Raises:
        ValueError: if a .gz file is damaged or is none.
    """
    done, lines = 0, 0
    with open(path, "rb") as file:
        text = gzip.GzipFile(fileobj=file) if str(path).endswith(".gz") else file
        while True:
            try:
                data = text.read(CHUNK_BYTES) + text.readline()
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(
                    f"{path}, after line {lines}: must be readable (.gz: undamaged gzip). "
                    f"Received: {error}"
                ) from error
            if not data:
                return
            yield data
            lines += data.count(b"\n")
            progress(file.tell() - done)
            done = file.tell()


def find(raw_dir, names: Iterable[str], source: str) -> dict[str, pathlib.Path]:
    """The path of each named raw file, plain or with .gz.

    Raises:
        FileNotFoundError: lists the missing files, where they come from and where to put them.
    """
    folder = pathlib.Path(raw_dir).expanduser()
    found = {name: path for name in names if (path := find_one(folder, name))}
    if missing := [name for name in names if name not in found]:
        raise FileNotFoundError(
            f"Raw files not found in {folder}: {', '.join(missing)} (plain or .gz). "
            f"Get them from {source} and put them into {folder}"
        )
    return found


def find_one(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    """The path of a raw file in a folder, plain or with .gz, or None."""
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _split_lines(data: bytes) -> tuple[list[str], dict[int, bytes]]:
    """The decoded lines of a piece, and those that are no UTF-8, as they were, by index."""
    try:
        lines, undecoded = data.decode("utf-8").replace("\r\n", "\n").split("\n"), {}
    except UnicodeDecodeError:
        raw = data.replace(b"\r\n", b"\n").split(b"\n")
        lines = [line.decode("utf-8", "replace") for line in raw]
        undecoded = {i: line for i, line in enumerate(raw) if line != lines[i].encode()}
    return lines[: len(lines) - (not lines[-1])], undecoded


def _error(path, number: int, rule: str, received) -> str:
    return f"{path}, line {number}: {rule}. Received: {received}"
