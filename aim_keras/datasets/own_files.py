"""The files of a user's own data, by the paths, folders and patterns that lead to them."""

import os
import pathlib
import re
import urllib.parse
from collections.abc import Mapping, Sequence

from aim_keras.datasets import raw_files, tables

ALL = "all"  # of a file whose rows are split, in place of the name of its split
MISSING = "__HIVE_DEFAULT_PARTITION__"
HIDDEN = re.compile(r"\.|_[^=]*$")  # names that Spark and Hive pass over, too, but for `_day=3`


def part_of(file: str) -> str:
    """The split of a file of `find`, or `ALL`."""
    return file.partition("/")[0]


def may_be_train(file: str) -> bool:
    """Whether a file of `find` may have rows of train."""
    return part_of(file) in (ALL, "train")


def partitions_of(files: Mapping[str, pathlib.Path]) -> dict[pathlib.Path, dict[str, str]]:
    """The `partitions` of each file of `find`, by its path."""
    return {path: partitions(file) for file, path in files.items()}


def partitions(file: str) -> dict[str, str]:
    """The columns that the folders of a file of `find` name, as Hive and Spark do: `day=3/`."""
    pairs = [folder.split("=", 1) for folder in file.split("/")[1:-1] if "=" in folder[1:]]
    values = {urllib.parse.unquote(key): urllib.parse.unquote(value) for key, value in pairs}
    return {key: "" if value == MISSING else value for key, value in values.items()}


def find(paths, valid_paths, test_paths, raw_dir) -> dict[str, pathlib.Path]:
    """The files by `<split>/<path from the folder that all paths share>`, in order."""
    if valid_paths is None and test_paths is not None:
        raise ValueError(f"test_paths must come with valid_paths. Received: {test_paths!r} alone")
    given = {ALL: paths}
    if valid_paths is not None:
        given = {"train": paths, "valid": valid_paths}
    if test_paths is not None:
        given["test"] = test_paths
    found = [
        (part, *pair) for part, names in given.items() for pair in _found(part, names, raw_dir)
    ]
    shared = os.path.commonpath([folder for _, folder, _ in found])
    files = {f"{part}/{file.relative_to(shared).as_posix()}": file for part, _, file in found}
    if len({file for _, _, file in found}) < len(found):
        raise ValueError(f"No file may come twice. Received: {[str(file) for *_, file in found]}")
    return files


def _found(part: str, paths, raw_dir) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """The files that paths, folders and patterns lead to, each behind the folder that is named."""
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    argument = "paths" if part in (ALL, "train") else f"{part}_paths"
    if not paths:
        raise ValueError(f"{argument} must have at least one path. Received: none")
    root, files = pathlib.Path(raw_dir or ".").expanduser(), []
    for path in paths:
        place = (root / pathlib.Path(path).expanduser()).absolute()
        folder, there = (place.parent, [place]) if place.is_file() else _tables_of(place)
        if not there:
            raise FileNotFoundError(
                f"{argument} must lead to files ({', '.join((*tables.TEXT, *tables.PARQUET))}; "
                f"text also {' or '.join(raw_files.PACKED)}; of a folder none whose name begins "
                "with '_' or '.'). "
                f"Received: {path}, in {root.absolute()}"
            )
        files += [(folder, file) for file in there]
    return files


def _tables_of(place: pathlib.Path) -> tuple[pathlib.Path, Sequence[pathlib.Path]]:
    """A folder, or that of a pattern, and its tables by name: `day_2` comes before `day_10`.

    A folder that a pattern matches stands for the tables in it. Hidden ones are left out, unless
    the pattern itself has a part that begins as they do.
    """
    first = next((i for i, part in enumerate(place.parts) if set(part) & set("*?[")), None)
    if place.is_dir():
        folder, asked, matches = place, [], [place]
    elif first is not None:
        folder, pattern = pathlib.Path(*place.parts[:first]), place.parts[first:]
        asked, matches = [part[0] for part in pattern], folder.glob("/".join(pattern))
    else:
        return place, []
    found = {path for match in matches for path in (match, *match.glob("**/*"))}

    def is_taken(file):
        hidden = filter(HIDDEN.match, file.relative_to(folder).parts)
        return tables.is_table(file) and all(part[0] in asked for part in hidden)

    return folder, sorted(filter(is_taken, found), key=_by_name)


def _by_name(path):
    parts = re.split(r"(\d+)", str(path))
    return [int(part) if part.isdecimal() else part for part in parts], path
