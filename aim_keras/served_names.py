"""The names that the inputs of a SavedModel may have."""

import keyword
import re
from collections.abc import Sequence


def check(names: Sequence[str], fields: Sequence[str]) -> None:
    """Checks the names of inputs, those of fields and of their weights.

    Raises:
        ValueError: if one cannot be a signature's, or is like another one.
    """
    for name in names:
        if _is_reserved(name) or not re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.-]*", name):
            raise ValueError(
                "To be served, a field's name must be of letters, digits, '_', '.' and '-', and "
                f"neither 'self' nor a keyword of Python. Received: {name!r}"
            )
    if len(fields) > len(set(fields)) or len(names) > len(set(map(_key, names))):
        raise ValueError(
            "To be served, fields, and their inputs for weights (<name>_weights), must be distinct "
            f"where case does not count, nor '.' for '_' or '-'. Received: fields={fields}"
        )


def served(name: str, taken: set[str]) -> str:
    """The name, or one like it that `check` takes; what it is told apart by is added to `taken`."""
    found = re.sub("[^A-Za-z0-9_.-]+", "_", name).lstrip("_-.") or "field"
    found += "_" * _is_reserved(found)
    while _key(found) in taken:
        found += "_2"
    taken.add(_key(found))
    return found


def _is_reserved(name):
    return name == "self" or keyword.iskeyword(name)


def _key(name):
    return re.sub("[.-]", "_", name.lower())
