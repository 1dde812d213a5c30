"""What a field holds: an id, a list of ids, a number, and how a list becomes one embedding."""

import dataclasses
from collections.abc import Iterable, Mapping

from aim_keras.arguments import checked_integer

PADDING = -1  # the id of an unused place of a list
COMBINERS = ("sum", "mean", "sqrtn")


@dataclasses.dataclass(frozen=True)
class Field:
    """What a field holds, and how its ids become one embedding, or one linear weight.

    Of the ids `id_l` in a field's places `l`, with the weights `w_l` (1 where `weighted` is not
    set), whose rows are `e_{id_l}`:

        sum      e = sum_l w_l e_{id_l}
        mean     e = sum_l w_l e_{id_l} / sum_l w_l               (0 where the divisor is 0)
        sqrtn    e = sum_l w_l e_{id_l} / sqrt(sum_l w_l^2)       (0 where the divisor is 0)

    | field | |
    |---|---|
    | categorical: one id | `Field(size)`, or `size` itself |
    | multi-valued: up to 6 ids | `Field(size, length=6, combiner="mean")` |
    | multi-valued, a weight each | `Field(size, length=6, weighted=True)` |
    | dense: a number, `e = number * row` | `Field(1, weighted=True)` |
    | a list of another field's ids, which reads its rows | `Field(size, length=6, table="item")` |

    In the features a field has `length` columns, `(batch, sum of the lengths)` in field order. In
    a list (`length` above 1) the id -1 is padding: it counts for nothing, nor does its weight, and
    a list of nothing else is empty, with an embedding of zeros. Weights come as `(batch, sum of
    the weighted fields' lengths)`, in field order too.

    Args:
        size: Integer >= 1: the number of ids, the out-of-vocabulary id 0 included.
        length: Integer >= 1: the number of places of the padded list; 1 is a single id.
        weighted: Whether every id comes with a weight.
        combiner: `"sum"`, `"mean"` or `"sqrtn"`; of a single weighted id `"sum"`, as a weight
            divided by itself tells nothing.
        table: The name of the table whose rows it reads, embeddings and linear weights; `None` for
            that of the field's own name. Fields of one table share it, and have equal sizes.

    Raises:
        ValueError: on an argument outside these rules.
    """

    size: int
    length: int = 1
    weighted: bool = False
    combiner: str = "sum"
    table: str | None = None

    def __post_init__(self):
        for name in ("size", "length"):
            object.__setattr__(self, name, checked_integer(name, getattr(self, name)))
        if type(self.weighted) is not bool:
            raise ValueError(f"weighted must be a bool. Received: weighted={self.weighted!r}")
        if self.combiner not in COMBINERS:
            raise ValueError(
                f"combiner must be one of {COMBINERS}. Received: combiner={self.combiner!r}"
            )
        if self.weighted and not self.multi_valued and self.combiner != "sum":
            raise ValueError(
                "combiner must be 'sum' for a number or a single weighted id, which any other "
                f"divides by itself. Received: combiner={self.combiner!r}"
            )
        if self.table is not None and not isinstance(self.table, str):
            raise ValueError(f"table must be a string. Received: table={self.table!r}")

    @property
    def multi_valued(self) -> bool:
        """Whether it holds a list, which may be empty."""
        return self.length > 1

    @property
    def dense(self) -> bool:
        """Whether it holds a number: the weight of the only id."""
        return self.weighted and self.size == self.length == 1

    def to_config(self) -> int | dict:
        """JSON-able, and read by `as_field`: the size alone where the rest is the default."""
        if self == Field(self.size):
            return self.size
        config = dataclasses.asdict(self)
        return {key: value for key, value in config.items() if value is not None}


def as_field(value: int | Field | Mapping) -> Field:
    """A `Field` from itself, from the size of a categorical field, or from `to_config`.

    Raises:
        ValueError: if it is no field.
    """
    if isinstance(value, Field):
        return value
    if not isinstance(value, Mapping):
        return Field(value)
    try:
        return Field(**value)
    except TypeError as error:
        raise ValueError(f"A field must have a Field's arguments. Received: {value}") from error


def as_fields(vocabulary_sizes: Mapping) -> dict[object, Field]:
    """Each value as a `Field`, under its key, with the name of its table where it shares it.

    Raises:
        ValueError: if a value is no field, naming its key, or a table is not shared by fields of
            equal sizes, or not by the field of its name.
    """
    fields = {}
    for name, value in vocabulary_sizes.items():
        try:
            fields[name] = as_field(value)
        except ValueError as error:
            raise ValueError(f"vocabulary_sizes[{name!r}]: {error}") from error
    for table in {field.table for field in fields.values()} - {None}:
        if table in fields and fields[table].table is None:
            fields[table] = dataclasses.replace(fields[table], table=table)
        sharing = {name: field.size for name, field in fields.items() if field.table == table}
        is_one = table in sharing or (len(sharing) > 1 and table not in fields)
        if not is_one or len({*sharing.values()}) > 1:
            raise ValueError(
                f"The table {table!r} must be that of the field of that name, or of several fields "
                f"where none has it, and its fields of one size. Received: {sharing}"
            )
    return fields


def places(fields: Iterable[Field]) -> list[tuple[slice, slice]]:
    """Each field's columns in the features and in the weights; none in these, an empty slice."""
    found, column, weight = [], 0, 0
    for field in fields:
        columns = slice(column, column + field.length)
        weights = slice(weight, weight + field.length * field.weighted)
        found.append((columns, weights))
        column, weight = columns.stop, weights.stop
    return found


def widths(fields: Iterable[Field]) -> tuple[int, int]:
    """How many columns the features have, and the weights."""
    columns, weights = places(fields)[-1]
    return columns.stop, weights.stop


def shapes_of(input_shape):
    """The shape of the ids and, where they are given, of the weights."""
    several = any(hasattr(part, "__len__") for part in input_shape)
    return [tuple(shape) for shape in (input_shape if several else [input_shape])]
