"""What an export refuses: its arguments, checked before a model is traced."""

import dataclasses
import math
import numbers
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from aim_keras.fields import Field, as_fields, widths


def check_path(path: str | os.PathLike) -> None:
    """Checks that writing a SavedModel to `path` replaces nothing but another one.

    Raises:
        FileExistsError: if it is a file, or a folder of something else.
    """
    path = pathlib.Path(path)
    is_empty = path.is_dir() and not any(path.iterdir())
    if os.path.lexists(path) and not is_empty and not (path / "saved_model.pb").is_file():
        raise FileExistsError(
            "path must be new, an empty folder or a SavedModel, which is replaced, such as "
            f".../ctr/1 with its version. Received: path={str(path)!r}, which is "
            f"{'a folder of something else' if path.is_dir() else 'a file'}"
        )


def check_logit_shift(logit_shift: float) -> None:
    """Checks that a shift of logits is a number.

    Raises:
        ValueError: if it is none, or not finite.
    """
    if not (isinstance(logit_shift, numbers.Real) and math.isfinite(logit_shift)):
        raise ValueError(
            f"logit_shift must be a finite number. Received: logit_shift={logit_shift!r}"
        )


def check_fields(
    fields: Mapping[str, int | Field] | Sequence[str], of_model: Mapping[object, Field]
) -> None:
    """Checks that fields are those of a model; their combiners and tables are its own affair.

    Raises:
        ValueError: if their names or order differ, or their sizes where `fields` has them.
    """
    expected, given = list(of_model), list(fields)
    if isinstance(fields, Mapping):
        expected, given = _requested(of_model), _requested(as_fields(fields))
    if given != expected:
        raise ValueError(
            "fields must be those of the model, in its order and of its sizes. "
            f"Received: fields={given} for a model of {expected}"
        )


def _requested(fields):
    plain = {"combiner": "sum", "table": None}
    return [(name, dataclasses.replace(f, **plain).to_config()) for name, f in fields.items()]


def checked_features(fields: Mapping[str, Field], features) -> list[np.ndarray]:
    """The arrays of ids, int32, and, where fields are weighted, of weights, float32.

    Raises:
        ValueError: if there are no rows, not the columns of the fields, or ids that are none.
    """
    columns, weights = widths(fields.values())
    arrays = [*features] if weights else [features]
    shapes = [np.shape(array) for array in arrays]
    if [shape[1:] for shape in shapes] != [(width,) for width in (columns, weights) if width]:
        raise ValueError(
            f"features must have {columns} columns"
            f"{f', and weights with {weights},' if weights else ''} for the {len(fields)} fields. "
            f"Received: shape {_listed(shapes)}"
        )
    if not all(rows for rows, _ in shapes):
        raise ValueError(f"features must have rows. Received: shape {_listed(shapes)}")
    return [_as_ids(arrays[0]), *(np.asarray(array, "float32") for array in arrays[1:])]


def _as_ids(array):
    array = np.asarray(array)
    with np.errstate(invalid="ignore"):
        ids = array.astype("int32")
    if (differs := ids != array).any():
        raise ValueError(
            f"features must hold ids, integers of 32 bits. Received: {array[differs][0]!r}"
        )
    return ids


def _listed(shapes: Iterable[tuple]) -> str:
    return ", ".join(map(str, shapes))
