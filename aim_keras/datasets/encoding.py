"""From raw values to ids and weights: one encoding a field, learned from the train rows alone."""

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from aim_keras import documents
from aim_keras.datasets.field_encodings import Categorical, Counted, MultiCategorical, learned
from aim_keras.datasets.number_encodings import Dense, Numerical, rounded, rounded_up
from aim_keras.fields import Field, as_fields

FORMAT = "aim_keras.encoding/1"
ENCODING_FILE = "encoding.json"
DECIMAL = "decimal"  # the kind of a `Numerical` of decimals before it is learned
Column = Sequence[str] | pa.Array
Kind = str | Categorical | MultiCategorical  # of a field before it is learned


@dataclass(frozen=True)
class Encoding:
    """The encodings of a data set's fields, in field order.

    Args:
        fields: dict from field name to `Categorical`, `MultiCategorical`, `Numerical` or `Dense`.

    Raises:
        ValueError: if a table is not that of another field, or of other values.
    """

    fields: Mapping[str, "Categorical | MultiCategorical | Numerical | Dense"]

    def __post_init__(self):
        for name, table in counted_as(self.kinds).items():
            if name != table and self.fields[name].values != self.fields[table].values:
                raise ValueError(f"Field {name!r} must have the values of its table {table!r}")

    @property
    def model_fields(self) -> dict[str, Field]:
        """What a model takes of each field."""
        return as_fields({name: field.field for name, field in self.fields.items()})

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each field, as `learn` takes it."""
        return {name: _kind_of(field) for name, field in self.fields.items()}

    def encode(self, columns: Mapping[str, Column]) -> np.ndarray:
        """Raw columns of equal length to int32 ids, `(rows, columns)`, a list's side by side."""
        return np.column_stack(
            [each_value(field.encode, columns[name]) for name, field in self.fields.items()]
        )

    def weights(self, columns: Mapping[str, Column]) -> np.ndarray | None:
        """Raw columns of equal length to float32 weights, `(rows, dense fields)`, or `None`."""
        dense = {name: field for name, field in self.fields.items() if field.field.weighted}
        if not dense:
            return None
        return np.column_stack(
            [each_value(field.weights, columns[name]) for name, field in dense.items()]
        )

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
        content = documents.read_json(path, "format", "fields")
        try:
            documents.check_format(content, FORMAT)
            documents.check_mapping(content["fields"], "fields")
            return cls({name: _field_of(name, field) for name, field in content["fields"].items()})
        except ValueError as error:
            raise ValueError(f"{path} is not a valid encoding: {error}") from error


def encoding_path(given: str | os.PathLike) -> pathlib.Path:
    """The file of an encoding: itself, or that of the folder of a run.

    Raises:
        FileNotFoundError: if there is none.
    """
    path = pathlib.Path(given).expanduser()
    path = path / ENCODING_FILE if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(
            f"encoding must be an {ENCODING_FILE}, or the folder of a run with one (prepared data "
            f"have theirs, too). Received: encoding={given}"
        )
    return path


def _kind_of(field):
    if isinstance(field, MultiCategorical) or getattr(field, "table", None):
        return dataclasses.replace(field, values=())
    return DECIMAL if isinstance(field, Numerical) and field.decimals else field.kind


def _field_of(name, content):
    """The encoding of a field, of what its `to_json` gave."""
    kinds = {kind.kind: kind for kind in (Categorical, MultiCategorical, Numerical, Dense)}
    documents.check_mapping(content, name)
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"{name}: kind must be one of {', '.join(kinds)}. Received: {kind!r}")
    given = {key: value for key, value in content.items() if key != "kind"}
    try:
        return kinds[kind].from_json(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from error


def layout(kinds: Mapping[str, Kind]) -> dict[str, Field]:
    """The fields of these kinds before anything is learned: all but their sizes."""
    of_one_id = (Categorical.kind, Numerical.kind, DECIMAL)
    plain = dict.fromkeys(of_one_id, Field(1)) | {Dense.kind: Dense.field}
    return {
        name: plain[kind] if isinstance(kind, str) else kind.field for name, kind in kinds.items()
    }


def counted_as(kinds: Mapping[str, Kind]) -> dict[str, str]:
    """The name under which each field's values are counted: fields of one table are counted as one.

    Raises:
        ValueError: if a table is not that of another field of categories, which has its own.
    """
    tables = {name: getattr(kind, "table", None) for name, kind in kinds.items()}
    for name, table in tables.items():
        if table is not None and (tables.get(table) or not _is_category(kinds.get(table))):
            raise ValueError(
                f"Field {name!r}: table must be the name of another field, which is categorical or "
                f"multi_categorical and has no table itself. Received: table={table!r}"
            )
    return {name: table or name for name, table in tables.items()}


def _is_category(kind):
    return kind == Categorical.kind or isinstance(kind, Categorical | MultiCategorical)


def each_value(function: Callable[[list[str]], np.ndarray], column: Column) -> np.ndarray:
    """Applies a function of strings to the distinct values of a column, then repeats its results.

    Args:
        function: takes a list of n strings to an array `(n, ...)`, each string by itself.
        column: sequence of str, or `pa.Array` of strings, plain or dictionary-encoded, `(rows,)`.

    Returns:
        Array `(rows, ...)`.
    """
    if isinstance(column, pa.Array):
        column = column.dictionary_encode()
        return function(column.dictionary.to_pylist())[column.indices.to_numpy()]
    places = {value: i for i, value in enumerate(dict.fromkeys(column))}
    rows = np.fromiter(map(places.__getitem__, column), np.intp, len(column))
    return function(list(places))[rows]


def counted(kind: Kind, column: pa.Array) -> tuple:
    """The values of a column that `learn` wants counted, and their counts.

    Of lists these are the items, of decimals and dense numbers six or seven significant digits:
    memory then grows with neither.
    """
    found = column.value_counts()
    values, counts = found.field("values").cast(pa.string()), found.field("counts")
    if kind in (DECIMAL, Dense.kind):
        as_counted = rounded_up if kind == DECIMAL else rounded
        return [as_counted(text) for text in values.to_pylist()], counts
    if not isinstance(kind, MultiCategorical):
        return values, counts
    lists = [kind.split(text) for text in values.to_pylist()]
    lengths = [len(items) for items in lists]
    return list(itertools.chain.from_iterable(lists)), np.repeat(counts.to_numpy(), lengths)


def least_count(kind: Kind, min_count: int) -> int:
    """How often a counted value must occur for `learn` to need it."""
    return min_count if _is_category(kind) else 1


def learn(
    kinds: Mapping[str, Kind],
    counts: Mapping[str, Counted],
    min_count: int = 1,
    bucket_count: int = 40,
    max_buckets: int | None = None,
) -> Encoding:
    """Learns one encoding a field from its counted train values.

    Args:
        kinds: dict from field name, in field order, to "categorical", "numerical", "decimal",
            "dense", or a `MultiCategorical` or `Categorical` without values.
        counts: dict from field name to the count of each value (see `counted`, `counted_as`).
        min_count: int, a rarer categorical value or item is out of vocabulary.
        bucket_count: int, a bucket of numbers is full when it holds more rows than this.
        max_buckets: int, the most buckets of a field; None for any number.
    """
    fields, of_field = {}, counted_as(kinds)
    for name, kind in kinds.items():
        found = counts[of_field[name]]
        if _is_category(kind):
            kind = Categorical() if isinstance(kind, str) else kind
            fields[name] = learned(kind, found, min_count)
        elif kind == Dense.kind:
            fields[name] = Dense.learn(found)
        else:
            fields[name] = Numerical.learn(found, bucket_count, max_buckets, kind == DECIMAL)
    return Encoding(fields)
