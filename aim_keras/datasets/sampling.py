"""Rows spread over a user's own files, the first and the last ones with them, as chunks."""

import itertools
import math
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from pyarrow import parquet

from aim_keras.datasets import delimited, raw, raw_files, tables
from aim_keras.datasets.tables import TableReader

FILES = 100  # of more, so many that are spread over the list
PIECES = 100  # of all files, but at least two of each
NEARLY = 1.5  # times the rows that are asked for: as well read them all
THINNEST = 20  # times these rows are at most read through, where there is no way to skip any
BUFFER_BYTES = 1 << 18  # of a column of Parquet, which else is read whole


def chunks(
    files: Sequence[pathlib.Path], reader: TableReader, rows: int
) -> Iterator[tuple[raw.Chunk, bool]]:
    """Yields about so many rows, and whether they are but a part of what there is.

    A file gives as many rows as any other, where it has them; small ones leave theirs to larger
    ones. Plain text and Parquet give pieces from their first to their last rows; what is packed,
    or in one row group, is read from its start, and not to its end where it is long: the last of
    them is read furthest.

    Raises:
        ValueError: as `TableReader.read` does: of a malformed row with its number.
    """
    chosen = sorted(_spread(files, FILES), key=lambda path: path.stat().st_size)
    count = max(PIECES // len(chosen), 2)
    left = rows
    for place, path in enumerate(chosen):
        quota = max(left // (len(chosen) - place), 1)
        pieces = _of_parquet if tables.is_parquet(path) else _of_text
        reach = THINNEST * (rows if path == files[-1] else quota)
        for piece, start, is_part in pieces(path, reader, quota, count, reach):
            left -= len(piece.draws)
            yield _chunk(path, reader, piece, start), is_part or len(chosen) < len(files)


def _chunk(path, reader, piece, start):
    """The rows of a piece; a byte that it starts at is turned into a line only where one is bad."""
    try:
        return reader.chunk(path, piece)[0]
    except ValueError:
        if start is None:
            raise
        numbered = piece._replace(number=1 + raw_files.count_lines(path, start))
        return reader.chunk(path, numbered)[0]


def _of_text(path, reader, rows, count, reach):
    consumed: list[int] = []
    pieces = reader.pieces(path, consumed.append)
    head = list(itertools.islice(pieces, 2))
    if not head:
        return
    size, lines = path.stat().st_size, len(head[0].draws)
    lines *= size / consumed[0] if len(head) > 1 else 1
    step = lines / rows
    if step > NEARLY and not path.name.endswith(raw_files.PACKED):
        yield _first(head[0], max(rows // count, 1)), None, True
        span = min(int(size / step / count), raw_files.CHUNK_BYTES)
        for start in np.linspace(0, size - span, count).astype(int)[1:].tolist():
            start, data = raw_files.read_range(path, start, start + span)
            data = delimited.unix_lines(data)
            lines = len(delimited.line_ends(data)) + (data[-1:] not in (b"", b"\n"))
            piece = raw.Piece(0, data, np.zeros((lines, 2)))
            yield _first(piece, math.ceil(NEARLY * rows / count)), start, True
        return
    thin = min(step, reach / rows) if step > NEARLY else 1
    left, seen = math.ceil(rows * NEARLY), 0  # since lines are but estimated
    for piece in itertools.chain(head, pieces):
        lines = len(piece.draws)
        taken = _first(piece, min(_share(seen, lines, thin), left))
        yield taken, None, len(taken.draws) < lines
        if not left:
            return
        left, seen = left - len(taken.draws), seen + lines


def _of_parquet(path, reader, rows, count, reach):
    reader.check_columns(path)
    with tables.undamaged(path), parquet.ParquetFile(path, buffer_size=BUFFER_BYTES) as file:
        found = file.metadata
        sizes = [found.row_group(i).num_rows for i in range(found.num_row_groups)]
        is_part = found.num_rows > NEARLY * rows
        few = max(count, math.ceil(rows / found.num_rows * len(sizes))) if is_part else len(sizes)
        groups = _spread(range(len(sizes)), few)
        for group in groups:
            left = math.ceil(rows / len(groups)) if is_part else sizes[group]
            most = reach / 2 / len(groups) + (group == groups[-1]) * reach / 2
            thin = max(min(sizes[group], most) / max(left, 1), 1)
            start, seen = 1 + sum(sizes[:group]), 0
            for batch in file.iter_batches(
                tables.BATCH_ROWS, row_groups=[group], columns=reader.of_file(path)
            ):
                batch.validate(full=True)
                taken = batch.slice(0, min(_share(seen, len(batch), thin), left))
                yield raw.Piece(start + seen, taken, np.zeros((len(taken), 2))), None, is_part
                left, seen = left - len(taken), seen + len(batch)
                if not left:
                    break


def _share(seen, rows, thin):
    """How many of so many rows to take for one in `thin` of all, those before them with them."""
    return math.ceil((seen + rows) / thin) - math.ceil(seen / thin)


def _first(piece, lines):
    """The first lines of a piece of text."""
    if lines >= len(piece.draws):
        return piece
    end = 1 + delimited.line_ends(piece.rows)[lines - 1] if lines else 0
    return piece._replace(rows=piece.rows[:end], draws=piece.draws[:lines])


def _spread(items, count):
    """So many of the items, or all: the first, the last, and evenly between."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]
