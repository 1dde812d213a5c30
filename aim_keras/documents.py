"""JSON documents that people read too: checked when they are read, one row a line when written."""

import collections
import dataclasses
import json
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

from aim_keras import atomic


class Document:
    """The base of frozen dataclasses that are read and written as JSON: what searches find.

    A subclass checks its fields, has a `to_dict` of its format and these, and says its
    `FORMAT` (name and version), `SUBJECT` and `FILE`, as errors call it and its file.
    """

    @classmethod
    def of(cls, value) -> Self:
        """From itself, from what `to_dict` gives, or from the path of its file.

        Raises:
            ValueError: on anything else, or malformed content, naming the place.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str | os.PathLike):
            return cls.load(value)
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, content: Mapping) -> Self:
        """That of which `to_dict` gave `content`.

        Raises:
            ValueError: on another format, a missing or unknown key, or bad content, naming the
                place.
        """
        check_mapping(content, cls.SUBJECT)
        check_format(content, cls.FORMAT)
        known = [field.name for field in dataclasses.fields(cls)]
        given = {key: value for key, value in content.items() if key != "format"}
        if set(given) != set(known):
            raise ValueError(
                f"The keys must be format, {', '.join(known)}. Received: {', '.join(content)}"
            )
        return cls(**given)

    def _content(self, **found) -> dict:
        """What `to_dict` gives: what was found between what all have."""
        head = {"format": self.FORMAT, "dataset": self.dataset, "fields": list(self.fields)}
        return {**head, **found, "found_by": dict(self.found_by)}

    def save(self, path: str | os.PathLike) -> None:
        """Writes its file, each list of scalars on a line of its own, whole or not at all."""
        atomic.write_text(path, _one_row_a_line(self.to_dict()) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Reads its file.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: on malformed content, naming the file and the place in it.
        """
        try:
            return cls.from_dict(parsed(pathlib.Path(path).read_bytes()))
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)} is not a valid {cls.FILE}: {error}") from error


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Writes a JSON file, indented, whole or not at all."""
    atomic.write_text(path, json.dumps(content, indent=1) + "\n")


def read_json(path: str | os.PathLike, *keys: str) -> Any:
    """The content of a JSON file, which is an object with these keys, whatever else it has.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: on anything else, naming the file.
    """
    try:
        return _with_keys(parsed(pathlib.Path(path).read_bytes()), keys)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)} must be {_described(keys)}: {error}") from error


def read_json_lines(path: str | os.PathLike, *keys: str) -> list[dict]:
    """The content of a file of JSON lines, each an object with these keys.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: on anything else, naming the file and the line.
    """
    objects = []
    for number, line in enumerate(pathlib.Path(path).read_bytes().splitlines(), start=1):
        try:
            objects.append(_with_keys(parsed(line), keys))
        except ValueError as error:
            place = f"{os.fspath(path)}, line {number}"
            raise ValueError(f"{place} must be {_described(keys)}: {error}") from error
    return objects


def parsed(data: bytes) -> Any:
    """JSON in UTF-8, with or without a byte order mark, whose objects have no key twice and whose
    strings are Unicode: no escape leaves half of a character.

    Raises:
        ValueError: if it is none.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeated_keys)
        if re.search(rb"\\u[dD]", data):
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def file_within(folder: str | os.PathLike, name: str, place: str) -> pathlib.Path:
    """The path of a file or folder that a document names by its path from a folder.

    Raises:
        ValueError: if it leads out of the folder, be it by `..`, from the root, or by a link.
    """
    folder = pathlib.Path(folder)
    is_name = isinstance(name, str) and name and "\0" not in name
    if not is_name or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{place} must lie within {folder}. Received: {name!r}")
    return folder / name


def checked_list(values, place) -> tuple:
    """`values` as a tuple. Raises `ValueError` if they are no list."""
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ValueError(f"{place} must be a list. Received: {values!r}")
    return tuple(values)


def checked_names(values, place) -> tuple[str, ...]:
    """`values` as a tuple. Raises `ValueError` unless they are distinct strings, one or more."""
    values = checked_list(values, place)
    if not values or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{place} must be one or more strings. Received: {place}={values}")
    check_distinct(values, place)
    return values


def checked_fields(values, fields, place) -> tuple[str, ...]:
    """Some of the fields, in their order.

    Raises:
        ValueError: unless `values` is a list of distinct ones of `fields`.
    """
    values = checked_list(values, place)
    check_known(values, fields, "fields", place)
    check_distinct(values, place)
    return tuple(sorted(values, key=fields.index))


def check_mapping(values, place) -> None:
    """Raises `ValueError` if `values` is no mapping."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{place} must be a mapping (a JSON object). Received: {values!r}")


def check_format(content, name) -> None:
    """Raises `ValueError` unless the format of a document's content has that name and version."""
    if content.get("format") != name:
        raise ValueError(f"format must be {name!r}. Received: {content.get('format')!r}")


def check_distinct(values, place) -> None:
    """Raises `ValueError` if a value is there twice."""
    repeated = [value for value, count in collections.Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{place}: nothing may repeat. Received: {repeated[0]} more than once")


def check_known(values, known, what, place) -> None:
    """Raises `ValueError` if a value is not one of `known`."""
    unknown = [value for value in values if value not in known]
    if unknown:
        raise ValueError(f"{place}: {what} must be of {list(known)}. Received: {unknown[0]!r}")


def check_origin(dataset, found_by) -> None:
    """Raises `ValueError` unless `dataset` is a name or `None`, and `found_by` a mapping."""
    check_mapping(found_by, "found_by")
    if not isinstance(dataset, str | None):
        raise ValueError(f"dataset must be a string or null. Received: {dataset!r}")


def _without_repeated_keys(pairs):
    check_distinct([key for key, _ in pairs], "keys")
    return dict(pairs)


def _with_keys(content, keys):
    check_mapping(content, "The content")
    if missing := [key for key in keys if key not in content]:
        raise ValueError(f"it has no {', '.join(missing)}")
    return content


def _described(keys):
    return f"a JSON object with {', '.join(keys)}" if keys else "a JSON object"


def _one_row_a_line(value, indent=""):
    """JSON with each list of scalars and each scalar on a line of its own."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        rows = [f"{json.dumps(k)}: {_one_row_a_line(v, inner)}" for k, v in value.items()]
        brackets = "{}"
    elif isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        rows = [_one_row_a_line(item, inner) for item in value]
        brackets = "[]"
    else:
        return json.dumps(value)
    return brackets[0] + f"\n{inner}" + f",\n{inner}".join(rows) + f"\n{indent}" + brackets[1]
