"""Reads the file that `GateHistory` writes, and checks every line of it."""

import math
import os

from aim_keras.arguments import is_finite_number, is_integer
from aim_keras.documents import read_json_lines


def read_gate_history(path: str | os.PathLike) -> tuple[dict, list[dict]]:
    """The first line of a file that `GateHistory` wrote, and the lines of the steps.

    Raises:
        ValueError: on a line that it has not written, naming it.
    """
    header, *rows = read_json_lines(path) or [{}]
    gates = header.get("gates")
    if not isinstance(gates, dict) or not is_integer(header.get("every"), least=1):
        raise ValueError(f"{path}, line 1 must have every and gates. Received: {header!r:.200}")
    sizes = {name: _size(about, name, path) for name, about in gates.items()}
    if not rows:
        raise ValueError(f"{path} must have a line for each step. Received: line 1 alone")
    for number, row in enumerate(rows, start=2):
        values, threshold = row.get("values"), row.get("threshold", "none")
        is_threshold = threshold is None or is_finite_number(threshold)
        is_step = is_integer(row.get("step"), least=0)
        if not isinstance(values, dict) or not is_step or not is_threshold:
            raise ValueError(
                f"{path}, line {number} must have step, threshold and values. "
                f"Received: {row!r:.200}"
            )
        for name, size in sizes.items():
            found = values.get(name)
            are_numbers = isinstance(found, list) and all(is_finite_number(v) for v in found)
            if not are_numbers or len(values[name]) != size:
                raise ValueError(
                    f"{path}, line {number}: {name} must have {size} finite numbers. "
                    f"Received: {found!r:.200}"
                )
    return header, rows


def _size(about, name, path):
    shape = about.get("shape") if isinstance(about, dict) else None
    units = about.get("units", "none") if isinstance(about, dict) else None
    is_shape = isinstance(shape, list) and all(is_integer(size, least=0) for size in shape)
    if not is_shape or not (units is None or _are_units(units, math.prod(shape))):
        raise ValueError(
            f"{path}, line 1: {name} must have a shape, and units or null. Received: {about!r:.200}"
        )
    return math.prod(shape)


def _are_units(units, size):
    return (
        isinstance(units, list)
        and len(units) == size
        and all(
            isinstance(unit, list)
            and len(unit) == 2
            and isinstance(unit[0], str)
            and isinstance(unit[1], list)
            for unit in units
        )
    )
