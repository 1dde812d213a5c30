"""What each kind of field makes of its raw values: learned from counts, kept as JSON."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from aim_keras.datasets.counts import Counts
from aim_keras.datasets.lists import padded
from aim_keras.fields import Field

Counted = Counts | Mapping[str, int]
MISSING = np.iinfo(np.int64).min  # an empty numerical cell: below every number


@dataclass(frozen=True)
class Categorical:
    """Frequent values get ids `1, 2, ...`; rare and unseen ones share id 0, out of vocabulary.

    Args:
        values: tuple of str, distinct; `values[i]` has the id `i + 1`. The empty string is a value
            like any other.
    """

    values: tuple[str, ...]
    kind: ClassVar[str] = "categorical"

    def __post_init__(self):
        if not all(isinstance(value, str) for value in self.values):
            raise ValueError(f"Every value must be a string. Received: values={self.values!r:.200}")
        if len(self._ids) != len(self.values):
            twice = next(v for i, v in enumerate(self.values) if self._ids[v] != i + 1)
            raise ValueError(f"Values must be distinct. Received twice: {twice!r}")

    @classmethod
    def learn(cls, counts: Counted, min_count: int = 1) -> "Categorical":
        """Keeps the values seen at least `min_count` times, by falling count, then by value."""
        kept = sorted((-count, value) for value, count in counts.items() if count >= min_count)
        return cls(tuple(value for _, value in kept))

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {value: i for i, value in enumerate(self.values, start=1)}

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, the out-of-vocabulary id included."""
        return len(self.values) + 1

    @property
    def field(self) -> Field:
        """What a model takes."""
        return Field(self.vocabulary_size)

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Strings, shape `(rows,)`, to int32 ids of the same shape."""
        ids = map(self._ids.get, column, itertools.repeat(0))
        return np.fromiter(ids, np.int32, len(column))

    def to_json(self) -> dict:
        return {"kind": self.kind, "values": list(self.values)}

    @classmethod
    def from_json(cls, content: Mapping) -> "Categorical":
        return cls(tuple(content["values"]))


@dataclass(frozen=True)
class MultiCategorical:
    """Lists of categorical values, such as "Comedy|Romance".

    An item has the id that `Categorical` gives it; a list has the ids of its first `max_length`
    items, then -1. Empty items are left out: the empty string is the empty list. Without values
    it says how a field is to be learned.

    Args:
        values: tuple of str, distinct; `values[i]` has the id `i + 1`.
        separator: str between the items. Defaults to "|".
        max_length: int >= 2, the number of places. Defaults to 8.
        combiner: how a model pools the items, as of `Field`. Defaults to "mean".
    """

    values: tuple[str, ...] = ()
    separator: str = "|"
    max_length: int = 8
    combiner: str = "mean"
    kind: ClassVar[str] = "multi_categorical"

    def __post_init__(self):
        if not isinstance(self.separator, str) or not self.separator:
            raise ValueError(
                f"separator must be a string, not empty. Received: separator={self.separator!r}"
            )
        if not self.field.multi_valued:
            raise ValueError(
                f"max_length must be an integer >= 2. Received: max_length={self.max_length!r}"
            )

    def learn(self, counts: Counted, min_count: int = 1) -> "MultiCategorical":
        """These lists with the values of items that were seen at least `min_count` times."""
        return dataclasses.replace(self, values=Categorical.learn(counts, min_count).values)

    @functools.cached_property
    def _items(self) -> Categorical:
        return Categorical(self.values)

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, the out-of-vocabulary id included."""
        return self._items.vocabulary_size

    @property
    def field(self) -> Field:
        """What a model takes."""
        return Field(self.vocabulary_size, self.max_length, combiner=self.combiner)

    def split(self, text: str) -> list[str]:
        """The items that are kept of a raw list."""
        return [item for item in text.split(self.separator) if item][: self.max_length]

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Strings, shape `(rows,)`, to int32 ids, shape `(rows, max_length)`."""
        return padded([self._items.encode(self.split(text)) for text in column], self.max_length)

    def to_json(self) -> dict:
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping) -> "MultiCategorical":
        arguments = {name: value for name, value in content.items() if name != "kind"}
        return cls(**{**arguments, "values": tuple(content["values"])})


@dataclass(frozen=True)
class Numerical:
    """Equal-frequency buckets of integers: `id = 1 + number of boundaries below the value`.

    For integers this is `keras.layers.Discretization` with each boundary plus 1, plus 1. Id 0, out
    of vocabulary, is given to a missing value (the empty string) when no train row missed one.

    Args:
        boundaries: tuple of int, strictly rising: the largest value of each bucket but the last.
            `MISSING` stands for the empty string, below all numbers.
        has_missing: bool, whether a missing value occurred in train.
    """

    boundaries: tuple[int, ...]
    has_missing: bool = False
    kind: ClassVar[str] = "numerical"

    def __post_init__(self):
        if any(a >= b for a, b in itertools.pairwise(self.boundaries)):
            raise ValueError(
                f"Boundaries must be strictly rising. Received: boundaries={self.boundaries}"
            )

    @classmethod
    def learn(cls, counts: Counted, bucket_count: int = 40) -> "Numerical":
        """Merges neighbouring values, from the lowest, until a bucket holds > `bucket_count` rows.

        A last bucket that stays smaller is kept. No bucket is made for values above all of train:
        they fall into the last one.
        """
        merged: dict[int, int] = {}
        for text, count in counts.items():
            value = _integer(text)
            merged[value] = merged.get(value, 0) + count
        boundaries, held = [], 0
        for value in sorted(merged):
            held += merged[value]
            if held > bucket_count:
                boundaries.append(value)
                held = 0
        if boundaries and held == 0:
            boundaries.pop()
        return cls(tuple(boundaries), MISSING in merged)

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, the out-of-vocabulary id included."""
        return len(self.boundaries) + 2

    @property
    def field(self) -> Field:
        """What a model takes."""
        return Field(self.vocabulary_size)

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Integers as strings, shape `(rows,)`, to int32 ids of the same shape.

        Raises:
            ValueError: if a string is neither empty nor an integer.
        """
        values = np.fromiter(map(_integer, column), np.int64, len(column))
        ids = np.searchsorted(np.array(self.boundaries, np.int64), values, side="left") + 1
        if not self.has_missing:
            ids[values == MISSING] = 0
        return ids.astype(np.int32)

    def to_json(self) -> dict:
        boundaries = [None if value == MISSING else value for value in self.boundaries]
        return {"kind": self.kind, "boundaries": boundaries, "has_missing": self.has_missing}

    @classmethod
    def from_json(cls, content: Mapping) -> "Numerical":
        boundaries = (MISSING if value is None else value for value in content["boundaries"])
        return cls(tuple(boundaries), content["has_missing"])


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
        if not math.isfinite(self.mean) or not 0 < self.deviation < math.inf:
            raise ValueError(
                "mean must be finite, deviation above 0 and finite. "
                f"Received: mean={self.mean}, deviation={self.deviation}"
            )

    @classmethod
    def learn(cls, counts: Counted) -> "Dense":
        """Mean and standard deviation of counted numbers."""
        numbers = [(_number(text), count) for text, count in counts.items() if text]
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
        values = np.fromiter(map(_number, column), np.float64, len(column))
        standardised = (values - self.mean) / self.deviation
        return np.where(np.isnan(values), 0, standardised).astype(np.float32)

    def to_json(self) -> dict:
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping) -> "Dense":
        return cls(content["mean"], content["deviation"])


def _integer(text: str) -> int:
    if not text:
        return MISSING
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"A numerical value must be an integer or empty. Received: {text!r}"
        ) from None


def _number(text: str) -> float:
    """NaN for the empty string."""
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"A dense value must be a finite number or empty. Received: {text!r}")
    return value if text else math.nan
