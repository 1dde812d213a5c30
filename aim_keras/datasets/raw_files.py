"""Raw text files, plain or packed: found by name, and read in pieces of whole lines."""

import io
import pathlib
import zlib
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from aim_keras.datasets import delimited

CHUNK_BYTES = 1 << 22  # fewer: more of a chunk's values are distinct; more: out of the cache
LINE_BYTES = 1 << 24  # at least CHUNK_BYTES; what is longer is no row, and may be without end
PACKED = (".gz", ".zst")
PACKED_BYTES = 1 << 16  # read at once
GZIP = 31  # as zlib calls the format


def find(raw_dir, names: Iterable[str], source: str) -> dict[str, pathlib.Path]:
    """The path of each named raw file, plain or packed.

    Raises:
        FileNotFoundError: lists the missing files, where they come from and where to put them.
    """
    folder = pathlib.Path(raw_dir).expanduser()
    found = {name: path for name in names if (path := find_one(folder, name))}
    if missing := [name for name in names if name not in found]:
        raise FileNotFoundError(
            f"Raw files not found in {folder}: {', '.join(missing)} (plain, .gz or .zst). "
            f"Get them from {source} and put them into {folder}"
        )
    return found


def find_one(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    """The path of a raw file in a folder, plain or packed, or None."""
    return next((p for end in ("", *PACKED) if (p := folder / f"{name}{end}").is_file()), None)


def unpacked_name(name: str) -> str:
    """The name of a file without that of its packing."""
    return name.removesuffix(".gz").removesuffix(".zst")


def read_lines(
    path, progress: Callable[[int], object] = lambda n: None
) -> Iterator[tuple[bytes, int]]:
    """Yields a file, unpacked, in pieces of whole lines, with their number; the last needs no end.

    However much a packed file unpacks to, a piece has at most `CHUNK_BYTES + LINE_BYTES` bytes.

    Raises:
        ValueError: if a packed file is damaged or is none, or a line has more than `LINE_BYTES`.
    """
    done, lines = 0, 0
    with open(path, "rb") as file:
        text = _unpacked(path, file)
        while True:
            try:
                data = text.read(CHUNK_BYTES)
                begun = len(data) - data.rfind(b"\n") - 1
                rest = text.readline(LINE_BYTES - begun + 1)
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(
                    f"{path}, after line {lines}: must be readable (.gz, .zst: undamaged). "
                    f"Received: {error}"
                ) from error
            if not data:
                _check_packed(path, done or file.tell())
                return
            data += rest
            count = len(delimited.line_ends(data)) + (not data.endswith(b"\n"))
            _check_length(path, lines + count, begun + len(rest.removesuffix(b"\n")))
            yield data, count
            lines += count
            progress(file.tell() - done)
            done = file.tell()


def read_range(path, start: int, end: int) -> tuple[int, bytes]:
    """The lines of a plain file that begin at the bytes from `start` to `end`, and where they do.

    One of more than `LINE_BYTES`, which `read_lines` refuses, is left out, with what is after it.
    """
    with open(path, "rb") as file:
        file.seek(max(start - 1, 0))
        skipped = file.readline(LINE_BYTES) if start else b"\n"
        start = file.tell()
        data = file.read(max(end - start, 0)) if skipped.endswith(b"\n") else b""
        if data and not data.endswith(b"\n"):
            data += file.readline(LINE_BYTES)
            is_cut = not data.endswith(b"\n") and file.read(1)
            data = data[: data.rfind(b"\n") + 1] if is_cut else data
        return start, data


def count_lines(path, end: int) -> int:
    """The lines that end in the first bytes of a plain file."""
    count = 0
    with open(path, "rb") as file:
        while data := file.read(min(CHUNK_BYTES, end - file.tell())):
            count += data.count(b"\n")
    return count


def _unpacked(path, file):
    if str(path).endswith(".gz"):
        return io.BufferedReader(_Gunzip(file))
    if str(path).endswith(".zst"):
        return io.BufferedReader(pa.CompressedInputStream(file, "zstd"))
    return file


def _check_packed(path, size):
    """Raises `ValueError` of a packed file without a byte: even an empty text has a few, packed."""
    if str(path).endswith(PACKED) and not size:
        raise ValueError(f"{path} must be a packed file. Received: no content")


def _check_length(path, number, size):
    """Raises `ValueError` of a line of more than `LINE_BYTES` bytes, of which `size` were read."""
    if size > LINE_BYTES:
        raise ValueError(
            f"{path}, line {number}: must have at most {LINE_BYTES:,} bytes. "
            f"Received: {size:,} without its end"
        )


class _Gunzip(io.RawIOBase):
    """The content of a gzip file, by zlib, which checks a header's own check sum and flags, too.

    Zeros after a member are padding.
    """

    def __init__(self, file):
        self._file = file
        self._packed = b""
        self._member = None
        self._is_first = True

    def readable(self):
        return True

    def readinto(self, buffer):
        text, is_over = b"", False
        while not text and not is_over:
            packed = self._packed or self._file.read(PACKED_BYTES)
            self._packed, is_over = b"", not packed
            if self._member is None:
                packed = packed if self._is_first else packed.lstrip(b"\0")
                if not packed:
                    continue
                self._member, self._is_first = zlib.decompressobj(GZIP), False
            text = self._member.decompress(packed, len(buffer))
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._packed, self._member = self._member.unused_data, None
            elif is_over and not text:
                raise EOFError("it is cut off")
        buffer[: len(text)] = text
        return len(text)
