"""Marks by which a data set recognizes its raw files."""

import hashlib
import pathlib
from collections.abc import Mapping

MARKED_BYTES = 1 << 20


def marks(files: Mapping[str, pathlib.Path]) -> dict[str, list]:
    """The size of each file, and a hash of its beginning and its end."""
    marks = {}
    for name, path in _by_name(files).items():
        with path.open("rb") as file:
            ends = file.read(MARKED_BYTES)
            file.seek(max(file.tell(), path.stat().st_size - MARKED_BYTES))
            ends += file.read()
        marks[name] = [path.stat().st_size, hashlib.sha256(ends).hexdigest()]
    return marks


def sizes(files: Mapping[str, pathlib.Path]) -> dict[str, int]:
    """The size of each file."""
    return {name: path.stat().st_size for name, path in _by_name(files).items()}


def _by_name(files):
    """The files by their own names, or by those with the folders that tell them apart."""
    paths = {name: pathlib.Path(path) for name, path in files.items()}
    return {name if "/" in name else path.name: path for name, path in paths.items()}


def newer(files: Mapping[str, pathlib.Path], than: pathlib.Path) -> list[pathlib.Path]:
    """The files that were written after another one."""
    time = than.stat().st_mtime
    return [path for path in map(pathlib.Path, files.values()) if path.stat().st_mtime > time]
