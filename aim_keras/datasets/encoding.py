"""From raw values to ids and weights: one encoding a field, learned from the train rows alone."""

import dataclasses
import functools
import itertools
import json
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from aim_keras.datasets.lists import padded
from aim_keras.fields import Field

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

    def learn(self, counts: Mapping[str, int], min_count: int = 1) -> "MultiCategorical":
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
        texts = {text: i for i, text in enumerate(dict.fromkeys(column))}
        lists = [self._items.encode(self.split(text)) for text in texts]
        rows = np.fromiter(map(texts.__getitem__, column), np.intp, len(column))
        return padded(lists, self.max_length)[rows]

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

    @property
    def field(self) -> Field:
        """What a model takes."""
        return Field(self.vocabulary_size)

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
    def learn(cls, counts: Mapping[str, int]) -> "Dense":
        """Mean and standard deviation of counted numbers."""
        texts = [text for text in counts if text]
        if not texts:
            return cls()
        values = np.array([_number(text) for text in texts])
        shares = np.array([counts[text] for text in texts], np.float64)
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


@dataclass(frozen=True)
class Encoding:
    """The encodings of a data set's fields, in field order.

    Args:
        fields: dict from field name to `Categorical`, `MultiCategorical`, `Numerical` or `Dense`.
    """

    fields: Mapping[str, "Categorical | MultiCategorical | Numerical | Dense"]

    @property
    def vocabulary_sizes(self) -> dict[str, int]:
        """Number of ids of each field, the out-of-vocabulary id included."""
        return {name: field.vocabulary_size for name, field in self.fields.items()}

    @property
    def model_fields(self) -> dict[str, Field]:
        """What a model takes of each field."""
        return {name: field.field for name, field in self.fields.items()}

    def encode(self, columns: Mapping[str, Sequence[str]]) -> np.ndarray:
        """Raw columns of equal length to int32 ids, `(rows, columns)`, a list's side by side."""
        return np.column_stack([field.encode(columns[name]) for name, field in self.fields.items()])

    def weights(self, columns: Mapping[str, Sequence[str]]) -> np.ndarray | None:
        """Raw columns of equal length to float32 weights, `(rows, dense fields)`, or `None`."""
        dense = {name: field for name, field in self.fields.items() if field.field.weighted}
        if not dense:
            return None
        return np.column_stack([field.weights(columns[name]) for name, field in dense.items()])

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
            kinds = {kind.kind: kind for kind in (Categorical, MultiCategorical, Numerical, Dense)}
            fields = content["fields"].items()
            return cls({name: kinds[field["kind"]].from_json(field) for name, field in fields})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} must be an encoding of format {FORMAT}. {error}") from error


def layout(kinds: Mapping[str, str | MultiCategorical]) -> dict[str, Field]:
    """The fields of these kinds before anything is learned: all but their sizes."""
    plain = {Categorical.kind: Field(1), Numerical.kind: Field(1), Dense.kind: Dense.field}
    return {
        name: plain[kind] if isinstance(kind, str) else kind.field for name, kind in kinds.items()
    }


def counted(kind: str | MultiCategorical, column: Iterable[str]) -> Iterable[str]:
    """The values of a raw column that `learn` wants counted: of lists their items."""
    if isinstance(kind, MultiCategorical):
        return itertools.chain.from_iterable(map(kind.split, column))
    return column


def learn(
    kinds: Mapping[str, str | MultiCategorical],
    counts: Mapping[str, Mapping[str, int]],
    min_count: int = 1,
    bucket_count: int = 40,
) -> Encoding:
    """Learns one encoding a field from its counted train values.

    Args:
        kinds: dict from field name, in field order, to "categorical", "numerical", "dense" or a
            `MultiCategorical` without values.
        counts: dict from field name to the count of each value (see `counted`).
        min_count: int, a rarer categorical value or item is out of vocabulary.
        bucket_count: int, a numerical bucket is full when it holds more rows than this.
    """
    fields = {}
    for name, kind in kinds.items():
        if kind == Categorical.kind:
            fields[name] = Categorical.learn(counts[name], min_count)
        elif isinstance(kind, MultiCategorical):
            fields[name] = kind.learn(counts[name], min_count)
        elif kind == Dense.kind:
            fields[name] = Dense.learn(counts[name])
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


def _number(text: str) -> float:
    """NaN for the empty string."""
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"A dense value must be a finite number or empty. Received: {text!r}")
    return value if text else math.nan
