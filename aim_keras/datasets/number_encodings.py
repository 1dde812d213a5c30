"""What each kind of number makes of its raw values: learned from counts, kept as JSON."""

import dataclasses
import decimal
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from aim_keras.arguments import is_finite_number
from aim_keras.datasets.field_encodings import Counted
from aim_keras.datasets.raw import LARGEST
from aim_keras.documents import checked_list
from aim_keras.fields import Field

MISSING = np.iinfo(np.int64).min  # an empty numerical cell: below every number
# Significant digits of numbers that are counted, so that few are distinct.
DENSE_DIGITS = 7
DECIMAL_DIGITS = 6  # float32 has no more
UP = decimal.Context(prec=DECIMAL_DIGITS, rounding=decimal.ROUND_CEILING)


@dataclass(frozen=True)
class Numerical:
    """Equal-frequency buckets of numbers: `id = 1 + number of boundaries below the value`.

    For integers this is `keras.layers.Discretization` with each boundary plus 1, plus 1. Decimals
    are compared in float32. Id 0, out of vocabulary, is given to a missing value (the empty string)
    when no train row missed one.

    Args:
        boundaries: tuple of int, or of float where `decimals` is set, strictly rising: the largest
            value of each bucket but the last. `MISSING`, of decimals minus infinity, stands for the
            empty string, below all numbers.
        has_missing: bool, whether a missing value occurred in train.
        decimals: bool, whether the numbers are decimals. Defaults to False.
    """

    boundaries: tuple[float, ...]
    has_missing: bool = False
    decimals: bool = False
    kind: ClassVar[str] = "numerical"

    def __post_init__(self):
        for name in ("has_missing", "decimals"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name} must be a bool. Received: {getattr(self, name)!r}")
        if not all(map(self._is_boundary, self.boundaries)):
            raise ValueError(
                f"Boundaries must be {'finite numbers' if self.decimals else 'integers'} of "
                f"{np.dtype(self.dtype)}. Received: boundaries={self.boundaries!r:.200}"
            )
        boundaries = np.array(self.boundaries, self.dtype)
        if np.any(boundaries[1:] <= boundaries[:-1]):
            raise ValueError(
                f"Boundaries must be strictly rising. Received: boundaries={self.boundaries}"
            )

    def _is_boundary(self, value) -> bool:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return False
        if self.decimals:
            return value == self.missing or abs(value) <= LARGEST
        return isinstance(value, numbers.Integral) and MISSING <= value <= -(MISSING + 1)

    @property
    def dtype(self) -> type:
        """NumPy's type in which values are compared."""
        return np.float32 if self.decimals else np.int64

    @property
    def missing(self) -> float:
        """What stands for the empty string."""
        return -math.inf if self.decimals else MISSING

    @classmethod
    def learn(
        cls,
        counts: Counted,
        bucket_count: int = 40,
        max_buckets: int | None = None,
        decimals: bool = False,
    ) -> "Numerical":
        """Merges neighbouring values, from the lowest, until a bucket holds > `bucket_count` rows.

        With `max_buckets` it must hold > rows / `max_buckets`, too. A last bucket that stays
        smaller is kept. No bucket is made for values above all of train: they fall into the last
        one. Decimals have boundaries of six significant digits.
        """
        made = cls((), decimals=decimals)
        merged: dict[float, int] = {}
        for text, count in counts.items():
            value = made._value(rounded_up(text) if decimals else text)
            merged[value] = merged.get(value, 0) + count
        least = bucket_count
        if max_buckets is not None:
            least = max(least, sum(merged.values()) / max_buckets)
        boundaries, held = [], 0
        for value in sorted(merged):
            held += merged[value]
            if held > least:
                boundaries.append(value)
                held = 0
        if boundaries and held == 0:
            boundaries.pop()
        return cls(tuple(boundaries), made.missing in merged, decimals)

    def _value(self, text: str) -> float:
        if not text:
            return self.missing
        return finite(text) if self.decimals else _integer(text)

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, the out-of-vocabulary id included."""
        return len(self.boundaries) + 2

    @property
    def field(self) -> Field:
        """What a model takes."""
        return Field(self.vocabulary_size)

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Numbers as strings, shape `(rows,)`, to int32 ids of the same shape.

        Raises:
            ValueError: if a string is neither empty nor an integer, or, of decimals, a finite
                number.
        """
        values = np.array([*map(self._value, column)], self.dtype)
        ids = np.searchsorted(np.array(self.boundaries, self.dtype), values, side="left") + 1
        if not self.has_missing:
            ids[values == self.missing] = 0
        return ids.astype(np.int32)

    def to_json(self) -> dict:
        boundaries = [None if value == self.missing else value for value in self.boundaries]
        content = {"kind": self.kind, "boundaries": boundaries, "has_missing": self.has_missing}
        return content | ({"decimals": True} if self.decimals else {})

    @classmethod
    def from_json(cls, content: Mapping) -> "Numerical":
        missing = cls((), decimals=content.get("decimals", False)).missing
        boundaries = checked_list(content.get("boundaries"), "boundaries")
        boundaries = tuple(missing if value is None else value for value in boundaries)
        return cls(**{**content, "boundaries": boundaries})


@dataclass(frozen=True)
class Dense:
    """Numbers, standardised: `weight = (number - mean) / deviation`, of the only id, 0.

    A missing number (the empty string) has the weight 0, as if it were the mean.

    Args:
        mean: float, of the train rows that have a number. Defaults to 0.
        deviation: float > 0, their standard deviation; 1 where they are all equal. Defaults to 1.
    """

    mean: float = 0.0
    deviation: float = 1.0
    kind: ClassVar[str] = "dense"
    vocabulary_size: ClassVar[int] = 1
    field: ClassVar[Field] = Field(1, weighted=True)

    def __post_init__(self):
        are_finite = is_finite_number(self.mean) and is_finite_number(self.deviation)
        if not are_finite or self.deviation <= 0:
            raise ValueError(
                "mean must be finite, deviation above 0 and finite. "
                f"Received: mean={self.mean}, deviation={self.deviation}"
            )

    @classmethod
    def learn(cls, counts: Counted) -> "Dense":
        """Mean and standard deviation of counted numbers, of seven significant digits each."""
        numbers = sorted((finite(text), count) for text, count in counts.items() if text)
        if not numbers:
            return cls()
        values, shares = (np.array(column, np.float64) for column in zip(*numbers, strict=True))
        shares /= shares.sum()
        mean = float(shares @ values)
        deviation = math.sqrt(shares @ (values - mean) ** 2)
        return cls(mean, deviation if len(set(values)) > 1 else 1.0)

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """The ids, 0, int32 `(rows,)`."""
        return np.zeros(len(column), np.int32)

    def weights(self, column: Sequence[str]) -> np.ndarray:
        """Numbers as strings, shape `(rows,)`, to float32 weights of the same shape.

        Raises:
            ValueError: if a string is neither empty nor a finite number.
        """
        values = np.array([finite(text) if text else math.nan for text in column], np.float64)
        standardised = (values - self.mean) / self.deviation
        return np.where(np.isnan(values), 0, standardised).astype(np.float32)

    def to_json(self) -> dict:
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping) -> "Dense":
        return cls(**content)


def rounded(text: str) -> str:
    """A dense number as it is counted; or `""`."""
    return f"{finite(text):.{DENSE_DIGITS}g}" if text else ""


def rounded_up(text: str) -> str:
    """A decimal as it is counted; or `""`.

    It is the least of six digits that is not below it in float32, as a boundary must not be.
    """
    if not text:
        return ""
    value = np.float32(finite(text))
    nearest = f"{value:.{DECIMAL_DIGITS}g}"
    if LARGEST >= np.float32(nearest) >= value:
        return nearest
    return str(min(UP.create_decimal_from_float(float(value)), decimal.Decimal(LARGEST)))


def finite(text: str) -> float:
    """The number that a string is, which float32 has, too.

    Raises:
        ValueError: if it is none, or infinite.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise ValueError(f"A number must be finite, or empty. Received: {text!r}")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"A numerical value must be an integer or empty. Received: {text!r}"
        ) from None
