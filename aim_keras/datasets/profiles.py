"""What rows of a user's own files have in each column."""

import collections
import pathlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aim_keras.datasets import sampling, tables
from aim_keras.datasets.schema import NULLS
from aim_keras.datasets.tables import TableReader

SAMPLE_ROWS = 100_000  # about
FEW = 100  # values that may still be codes, rows from which on uniqueness tells
MANY_ROWS = 10  # of a value, on average, from which on numbers may well be codes
NEARLY_ALL = 0.95


@dataclass
class Profile:
    """What rows have in a column: its distinct values and their counts.

    Args:
        counts: how many rows have each value.
        is_list: whether these are lists of Parquet.
        is_part: whether there are other rows that were not read.
    """

    counts: collections.Counter = field(default_factory=collections.Counter)
    is_list: bool = False
    is_part: bool = False

    @property
    def rows(self) -> int:
        return self.counts.total()

    @property
    def values(self) -> list[str]:
        """The distinct values that are not missing."""
        return [value for value in self.counts if value not in NULLS]

    @property
    def present(self) -> int:
        """The number of rows that have a value."""
        return self.rows_of(self.values)

    def rows_of(self, values: Iterable[str]) -> int:
        """The number of rows that have one of these values."""
        return sum(self.counts[value] for value in values)

    @property
    def is_unique(self) -> bool:
        """Whether nearly every row has a value of its own."""
        return len(self.values) > NEARLY_ALL * self.rows and self.rows >= FEW

    @property
    def rows_a_value(self) -> int:
        """In how many rows a value comes, on average."""
        return self.present // max(len(self.values), 1)

    @property
    def is_few(self) -> bool:
        """Whether the values are few, and come again and again."""
        return len(self.values) <= FEW and self.rows_a_value >= MANY_ROWS


def of_rows(files: Sequence[pathlib.Path], reader: TableReader) -> dict[str, Profile]:
    """The profiles of a reader's columns, of `SAMPLE_ROWS` rows that are spread over the files."""
    lists = tables.list_columns(files[0])
    profiles = {name: Profile(is_list=name in lists) for name in reader.rules}
    for chunk, is_part in sampling.chunks(files, reader, SAMPLE_ROWS):
        for name, column in chunk.columns.items():
            found = column.value_counts()
            values = found.field("values").to_pylist()
            for value, count in zip(values, found.field("counts").to_pylist(), strict=True):
                profiles[name].counts[value] += count
            profiles[name].is_part |= is_part
    return profiles


def of_partitions(values: Iterable[str]) -> Profile:
    """The profile of a column of which each file has one value, for many rows."""
    files = collections.Counter(values)
    return Profile(collections.Counter({value: FEW * count for value, count in files.items()}))
