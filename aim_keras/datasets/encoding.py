"""From raw values to ids: one encoding a field, learned from the train rows alone."""

import functools
import itertools
import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

FORMAT = "aim_keras.encoding/1"
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
    def learn(cls, counts: Mapping[str, int], min_count: int = 1) -> "Categorical":
        """Keeps the values seen at least `min_count` times, by falling count, then by value."""
        kept = [value for value, count in counts.items() if count >= min_count]
        return cls(tuple(sorted(kept, key=lambda value: (-counts[value], value))))

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {value: i for i, value in enumerate(self.values, start=1)}

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, the out-of-vocabulary id included."""
        return len(self.values) + 1

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
    def learn(cls, counts: Mapping[str, int], bucket_count: int = 40) -> "Numerical":
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

    def encode(self, column: Sequence[str]) -> np.ndarray:
        """Integers as strings, shape `(rows,)`, to int32 ids of the same shape.

        Raises:
            ValueError: if a string is neither empty nor an integer.
        """
        texts = list(set(column))
        values = np.fromiter(map(_integer, texts), np.int64, len(texts))
        ids = np.searchsorted(np.array(self.boundaries, np.int64), values, side="left") + 1
        if not self.has_missing:
            ids[values == MISSING] = 0
        ids = dict(zip(texts, ids.tolist(), strict=True))
        return np.fromiter(map(ids.__getitem__, column), np.int32, len(column))

    def to_json(self) -> dict:
        boundaries = [None if value == MISSING else value for value in self.boundaries]
        return {"kind": self.kind, "boundaries": boundaries, "has_missing": self.has_missing}

    @classmethod
    def from_json(cls, content: Mapping) -> "Numerical":
        boundaries = (MISSING if value is None else value for value in content["boundaries"])
        return cls(tuple(boundaries), content["has_missing"])


@dataclass(frozen=True)
class Encoding:
    """The encodings of a data set's fields, in field order.

    Args:
        fields: dict from field name to `Categorical` or `Numerical`.
    """

    fields: Mapping[str, Categorical | Numerical]

    @property
    def vocabulary_sizes(self) -> dict[str, int]:
        """Number of ids of each field, the out-of-vocabulary id included."""
        return {name: field.vocabulary_size for name, field in self.fields.items()}

    def encode(self, columns: Mapping[str, Sequence[str]]) -> np.ndarray:
        """Raw columns of equal length to int32 ids, shape `(rows, fields)`."""
        return np.stack([field.encode(columns[name]) for name, field in self.fields.items()], 1)

    def save(self, path) -> None:
        """Writes JSON, one line a field: what a server needs to map raw values to ids."""
        lines = (
            f"  {json.dumps(name)}: {json.dumps(field.to_json(), ensure_ascii=False)}"
            for name, field in self.fields.items()
        )
        text = f'{{"format": "{FORMAT}", "fields": {{\n' + ",\n".join(lines) + "\n}}\n"
        pathlib.Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path) -> "Encoding":
        """Reads what `save` wrote.

        Raises:
            ValueError: if the file is no encoding of this format.
        """
        try:
            content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"Received: format={content['format']!r}")
            kinds = {kind.kind: kind for kind in (Categorical, Numerical)}
            fields = content["fields"].items()
            return cls({name: kinds[field["kind"]].from_json(field) for name, field in fields})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} must be an encoding of format {FORMAT}. {error}") from error


def learn(
    kinds: Mapping[str, str],
    counts: Mapping[str, Mapping[str, int]],
    min_count: int = 1,
    bucket_count: int = 40,
) -> Encoding:
    """Learns one encoding a field from its counted train values.

    Args:
        kinds: dict from field name, in field order, to "categorical" or "numerical".
        counts: dict from field name to the count of each raw value.
        min_count: int, a rarer categorical value is out of vocabulary.
        bucket_count: int, a numerical bucket is full when it holds more rows than this.
    """
    fields = {}
    for name, kind in kinds.items():
        if kind == Categorical.kind:
            fields[name] = Categorical.learn(counts[name], min_count)
        else:
            fields[name] = Numerical.learn(counts[name], bucket_count)
    return Encoding(fields)


def _integer(text: str) -> int:
    if not text:
        return MISSING
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"A numerical value must be an integer or empty. Received: {text!r}"
        ) from None
