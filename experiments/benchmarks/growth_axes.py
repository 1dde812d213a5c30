"""What cost grows with: the points of each axis, and the models that are measured at them."""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

from experiments.benchmarks import ours, plain
from experiments.benchmarks.data import Shape, uneven

FULL = Shape("growth", uneven(1_000_000, 39))
SMALL = Shape("small", uneven(60, 6), embedding_dim=4, hidden_units=(8, 8), batch_size=16)
FIELDS_OF_ORDER = 12  # The interactions of order 4 of many more would fill the memory.


class Model(NamedTuple):
    """A model of the sweeps.

    Args:
        compiled: Callable `(point, **options of compile) -> compiled Keras model`.
        functions: Number of embeddings of a feature.
        copies: Number of arrays of the size of the tables that training holds at its peak.
    """

    compiled: Callable
    functions: int = 1
    copies: float = 4

    def table_bytes(self, shape):
        """Bytes of the tables in training: embeddings, linear weights, and what Adam adds."""
        width = self.functions * shape.embedding_dim + 1
        return 4 * self.copies * sum(shape.sizes) * width


MODELS = {
    "FM": Model(lambda point, **options: ours.compiled(ours.fm(point.shape), **options)),
    "DeepFM": Model(lambda point, **options: ours.compiled(ours.deepfm(point.shape), **options)),
    "AIM search": Model(
        lambda point, **options: ours.compiled(
            ours.aim_search(point.shape, point.order), searching=True, **options
        ),
        functions=len(ours.FUNCTIONS),
    ),
    "plain Keras FM": Model(
        lambda point, **options: plain.compiled(plain.fm(point.shape), **options),
        copies=7,  # The gradient is as large as the table, and so is what Adam makes of it.
    ),
}


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of an axis: its value, where it lies for the fit, and what is trained there."""

    value: int
    x: int
    shape: Shape
    order: int = 2


@dataclasses.dataclass(frozen=True)
class Axis:
    """What is swept.

    Args:
        label: String: what `x` counts.
        models: Names of the models, of `MODELS`.
        values: The axis's values, upwards.
        small_values: The same over the shape `SMALL`.
        point: Callable `(shape, value) -> Point`.
    """

    label: str
    models: tuple[str, ...]
    values: tuple[int, ...]
    small_values: tuple[int, ...]
    point: Callable

    def points(self, small=False):
        shape, values = (SMALL, self.small_values) if small else (FULL, self.values)
        return [self.point(shape, value) for value in values]


def _with_fields(shape, fields):
    return dataclasses.replace(shape, sizes=uneven(sum(shape.sizes), fields))


def _of_fields(shape, fields):
    return Point(fields, fields, _with_fields(shape, fields))


def _of_order(shape, order):
    fields = min(FIELDS_OF_ORDER, len(shape.sizes))
    return Point(order, math.comb(fields, order), _with_fields(shape, fields), order)


def _of_batch(shape, batch_size):
    return Point(batch_size, batch_size, dataclasses.replace(shape, batch_size=batch_size))


def _of_vocabulary(shape, ids):
    sizes = uneven(ids, len(shape.sizes))
    return Point(ids, ids, dataclasses.replace(shape, sizes=sizes))


EVERY_MODEL = ("FM", "DeepFM", "AIM search")
AXES = {
    "fields": Axis("fields", EVERY_MODEL, (10, 20, 40, 70, 100), (3, 4, 5), _of_fields),
    "order": Axis("interactions of the order", ("AIM search",), (2, 3, 4), (2, 3), _of_order),
    "batch": Axis(
        "rows of a batch", EVERY_MODEL, (500, 1000, 2000, 4000, 8000), (8, 16), _of_batch
    ),
    "vocabulary": Axis(
        "ids of all fields",
        ("FM", "plain Keras FM"),
        (10**4, 10**5, 10**6, 10**7, 3 * 10**7, 10**8),
        (50, 500),
        _of_vocabulary,
    ),
}
