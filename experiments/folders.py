"""Folders, measured."""

import pathlib


def size(folder):
    """Bytes of all files in a folder and in those within."""
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())
