"""The rules that many arguments have, in one wording."""

import math
import numbers
import sys
from collections.abc import Iterable
from typing import Any


def is_integer(value: Any, least: float = -math.inf) -> bool:
    """Whether a value is an integer, of Python or NumPy, of at least `least`."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_whole and value >= least


def is_finite_number(value: Any) -> bool:
    """Whether a value is a finite number, of Python: what JSON can hold."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def checked_integer(name: str, value: Any, least: int = 1) -> int:
    """The value of an argument, as Python's integer.

    Raises:
        ValueError: unless it is an integer of at least `least`.
    """
    if not is_integer(value, least):
        raise ValueError(f"{name} must be an integer >= {least}. Received: {name}={value!r}")
    return int(value)


def checked_integers(name: str, values: Any, least: int = 1) -> tuple[int, ...]:
    """The values of an argument, as Python's integers.

    Raises:
        ValueError: unless they are a sequence of integers of at least `least`.
    """
    listed = tuple(values) if isinstance(values, Iterable) else (None,)
    if not all(is_integer(value, least) for value in listed):
        raise ValueError(f"{name} must be integers >= {least}. Received: {name}={values!r}")
    return tuple(map(int, listed))


def checked_increasing(name: str, values: Any, least: int = 1) -> tuple[int, ...]:
    """The values of an argument, as Python's integers.

    Raises:
        ValueError: unless they are one or more integers of at least `least`, in increasing order.
    """
    listed = checked_integers(name, values, least)
    if not listed or list(listed) != sorted(set(listed)):
        raise ValueError(f"{name} must be one or more, increasing. Received: {name}={values}")
    return listed


def check_not_negative(name: str, value: Any) -> None:
    """Raises `ValueError` unless the value of an argument is a finite number of at least 0."""
    if not (isinstance(value, numbers.Real) and 0 <= value < math.inf):
        raise ValueError(f"`{name}` must be a finite number >= 0. Received: {name}={value}")


def check_rate(name: str, value: float) -> None:
    """Raises `ValueError` unless the value of an argument lies in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1). Received: {name}={value}")
