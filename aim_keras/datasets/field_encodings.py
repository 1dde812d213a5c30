"""What each kind of category makes of its raw values: learned from counts, kept as JSON."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from aim_keras.arguments import is_integer
from aim_keras.datasets.counts import Counts
from aim_keras.datasets.lists import padded
from aim_keras.documents import checked_list
from aim_keras.fields import Field

MAX_PLACES = 10_000  # of a list: a row has them all, used or not
ENDS = ("first", "last")  # which items of a longer list are kept
Counted = Counts | Mapping[str, int]


@dataclass(frozen=True)
class Categorical:
    """Frequent values get ids `1, 2, ...`; rare and unseen ones share id 0, out of vocabulary.

    Args:
        values: tuple of str, distinct; `values[i]` has the id `i + 1`. The empty string is a value
            like any other.
        table: the field whose values these are too, and whose rows a model reads, as of `Field`.
    """

    values: tuple[str, ...] = ()
    table: str | None = None
    kind: ClassVar[str] = "categorical"

    def __post_init__(self):
        if not all(isinstance(value, str) for value in self.values):
            raise ValueError(f"Every value must be a string. Received: values={self.values!r:.200}")
        if len(self._ids) != len(self.values):
            twice = next(v for i, v in enumerate(self.values) if self._ids[v] != i + 1)
            raise ValueError(f"Values must be distinct. Received twice: {twice!r}")
        _ = self.field

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
        return Field(self.vocabulary_size, table=self.table)

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Strings, shape `(rows,)`, to int32 ids of the same shape."""
        ids = map(self._ids.get, column, itertools.repeat(0))
        return np.fromiter(ids, np.int32, len(column))

    def to_json(self) -> dict:
        return _as_json(self)

    @classmethod
    def from_json(cls, content: Mapping) -> "Categorical":
        return cls(**_with_values(content))


@dataclass(frozen=True)
class MultiCategorical:
    """Lists of categorical values, such as "Comedy|Romance".

    An item has the id that `Categorical` gives it; a list has the ids of its first, or last,
    `max_length` items, in their order, then -1. Empty items are left out: the empty string is the
    empty list. Without values it says how a field is to be learned.

    Args:
        values: tuple of str, distinct; `values[i]` has the id `i + 1`.
        separator: str between the items. Defaults to "|".
        max_length: int from 2 to 10,000, the number of places. Defaults to 8.
        combiner: how a model pools the items, as of `Field`. Defaults to "mean".
        keep: "first" or "last", the items that are kept of a longer list: of a history whose newest
            items come last, "last". Defaults to "first".
        table: the field whose values its items are, as of `Categorical`.
    """

    values: tuple[str, ...] = ()
    separator: str = "|"
    max_length: int = 8
    combiner: str = "mean"
    keep: str = "first"
    table: str | None = None
    kind: ClassVar[str] = "multi_categorical"

    def __post_init__(self):
        if self.keep not in ENDS:
            raise ValueError(f"keep must be one of {ENDS}. Received: keep={self.keep!r}")
        if not isinstance(self.separator, str) or not self.separator:
            raise ValueError(
                f"separator must be a string, not empty. Received: separator={self.separator!r}"
            )
        if not is_integer(self.max_length, 2) or self.max_length > MAX_PLACES:
            raise ValueError(
                f"max_length must be an integer from 2 to {MAX_PLACES}. "
                f"Received: max_length={self.max_length!r}"
            )
        _ = self.field  # refuses repeated values, too

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
        return Field(
            self.vocabulary_size, self.max_length, combiner=self.combiner, table=self.table
        )

    def split(self, text: str) -> list[str]:
        """The items that are kept of a raw list."""
        items = [item for item in text.split(self.separator) if item]
        return items[: self.max_length] if self.keep == "first" else items[-self.max_length :]

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Strings, shape `(rows,)`, to int32 ids, shape `(rows, max_length)`."""
        return padded([self._items.encode(self.split(text)) for text in column], self.max_length)

    def to_json(self) -> dict:
        return _as_json(self)

    @classmethod
    def from_json(cls, content: Mapping) -> "MultiCategorical":
        return cls(**_with_values(content))


def learned(
    kind: Categorical | MultiCategorical, counts: Counted, min_count: int = 1
) -> Categorical | MultiCategorical:
    """The values seen at least `min_count` times, by falling count, then by value."""
    kept = sorted((-count, value) for value, count in counts.items() if count >= min_count)
    return dataclasses.replace(kind, values=tuple(value for _, value in kept))


def _as_json(encoding):
    """Without a table where it has none, as it was written before there were any."""
    content = {"kind": encoding.kind, **dataclasses.asdict(encoding)}
    return {key: value for key, value in content.items() if value is not None}


def _with_values(content):
    """What `to_json` gave but the kind, with the values as a tuple."""
    return {**content, "values": checked_list(content.get("values"), "values")}
