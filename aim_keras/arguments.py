"""The rules that many arguments have, in one wording."""

import numbers
from collections.abc import Iterable
from typing import Any


def is_integer(value: Any) -> bool:
    """Whether a value is an integer, of Python or NumPy."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def checked_integer(name: str, value: Any, least: int = 1) -> int:
    """The value of an argument, as Python's integer.

    Raises:
        ValueError: unless it is an integer of at least `least`.
    """
    if not is_integer(value) or value < least:
        raise ValueError(f"{name} must be an integer >= {least}. Received: {name}={value!r}")
    return int(value)


def checked_integers(name: str, values: Any, least: int = 1) -> tuple[int, ...]:
    """The values of an argument, as Python's integers.

    Raises:
        ValueError: unless they are a sequence of integers of at least `least`.
    """
    listed = tuple(values) if isinstance(values, Iterable) else (None,)
    if not all(is_integer(value) and value >= least for value in listed):
        raise ValueError(f"{name} must be integers >= {least}. Received: {name}={values!r}")
    return tuple(map(int, listed))


def check_rate(name: str, value: float) -> None:
    """Raises `ValueError` unless the value of an argument lies in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1). Received: {name}={value}")
