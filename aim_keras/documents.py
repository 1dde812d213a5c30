"""JSON documents that people read too: checked when they are read, one row a line when written."""

import collections
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Self

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
        if content.get("format") != cls.FORMAT:
            raise ValueError(f"format must be {cls.FORMAT!r}. Received: {content.get('format')!r}")
        known = [field.name for field in dataclasses.fields(cls)]
        given = {key: value for key, value in content.items() if key != "format"}
        if set(given) != set(known):
            raise ValueError(
                f"The keys must be format, {', '.join(known)}. Received: {', '.join(content)}"
            )
        return cls(**given)

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
            text = pathlib.Path(path).read_text(encoding="utf-8")
            return cls.from_dict(json.loads(text, object_pairs_hook=_without_repeated_keys))
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)} is not a valid {cls.FILE}: {error}") from error


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


def check_mapping(values, place) -> None:
    """Raises `ValueError` if `values` is no mapping."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{place} must be a mapping (a JSON object). Received: {values!r}")


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
