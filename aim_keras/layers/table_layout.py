"""Where fields, ids and dimensions lie in the tables of a `FunctionWiseEmbedding`."""

import collections
import dataclasses
import functools

import numpy as np

from aim_keras.fields import Field, places
from aim_keras.kept_dimensions import checked_positions


@dataclasses.dataclass(frozen=True, eq=False)
class FieldGroup:
    """Fields of one kind that read one table: where their ids, weights and rows begin."""

    table: int
    kind: Field
    fields: list
    columns: np.ndarray  # (fields, length)
    weights: np.ndarray  # (fields, length), or (fields, 0)
    offsets: np.ndarray  # (fields, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class TableLayout:
    """The tables of fields, rows of equal length in one, and what is read from them in which order.

    Of fields that share rows the first one is their owner. A row stores what any of them keeps.

    Args:
        fields: Sequence of `Field`s.
        embedding_dim, num_functions: of the embeddings.
        dimensions: `[function][field] -> kept positions`, or `None` for all.
        linear: Whether a row ends with a linear weight.
        compact: Whether fields without any kept position are read, for their linear weights.
    """

    fields: list
    embedding_dim: int
    num_functions: int
    dimensions: list | None
    linear: bool
    compact: bool

    @functools.cached_property
    def owners(self):
        """The field whose rows each field reads: itself but where it shares another's."""
        first: dict = {}
        return [
            i if field.table is None else first.setdefault(field.table, i)
            for i, field in enumerate(self.fields)
        ]

    @functools.cached_property
    def widths(self):
        """Number of dimensions that a row of each field stores."""
        return [sum(map(len, self.kept(i))) for i in range(len(self.fields))]

    def kept(self, field):
        """Positions that the rows of a field store, function by function."""
        if self.dimensions is None:
            return [range(self.embedding_dim)] * self.num_functions
        sharing = np.flatnonzero(np.equal(self.owners, self.owners[field]))
        return [sorted(set().union(*(row[i] for i in sharing))) for row in self.dimensions]

    @functools.cached_property
    def tables(self):
        """`(length of a row, owners)` of each table: field after field, each with all its ids."""
        by_width = collections.defaultdict(list)
        for field in dict.fromkeys(self.owners):
            if width := self.widths[field] + self.linear:
                by_width[width].append(field)
        return sorted(by_width.items())

    @functools.cached_property
    def groups(self):
        """The `FieldGroup`s of all tables."""
        return [group for table in range(len(self.tables)) for group in self._groups_of(table)]

    def _groups_of(self, table):
        _, owners = self.tables[table]
        place = places(self.fields)
        starts = np.cumsum([0, *(self.fields[i].size for i in owners)])
        offset = dict(zip(owners, starts[:-1].tolist(), strict=True))
        by_kind = collections.defaultdict(list)
        for i, field in enumerate(self.fields):
            if self.owners[i] in offset and self._is_read(i):
                by_kind[dataclasses.replace(field, size=1, table=None)].append(i)
        for kind, members in by_kind.items():
            columns, weights = (
                np.array([range(part.start, part.stop) for part in parts])
                for parts in zip(*(place[i] for i in members), strict=True)
            )
            offsets = np.array([[offset[self.owners[i]]] for i in members], dtype="int32")
            yield FieldGroup(table, kind, members, columns, weights, offsets)

    def _is_read(self, field):
        """Whether a field keeps any of its row, and not only those that share it."""
        return self.linear or self.dimensions is None or any(row[field] for row in self.dimensions)

    @functools.cached_property
    def stored(self):
        """The fields whose embeddings are read, in the order of the groups."""
        return [i for group in self.groups for i in group.fields if self.widths[i] or self.compact]

    @functools.cached_property
    def id_order(self):
        """The columns of the features, in the order of the groups."""
        return np.concatenate([[], *(group.columns.ravel() for group in self.groups)]).astype(
            "int32"
        )

    @functools.cached_property
    def id_offsets(self):
        """The row that id 0 of each of these columns has in its table."""
        return np.concatenate(
            [[], *(np.repeat(group.offsets, group.kind.length) for group in self.groups)]
        ).astype("int32")

    @functools.cached_property
    def row_ends(self):
        """Where the row of each stored field ends in a compact output."""
        beside = int(self.compact and self.linear)
        return np.cumsum([self.widths[field] + beside for field in self.stored])

    @functools.cached_property
    def columns(self):
        """The column of each kept position in a compact output, -1 for a pruned one.

        Integers `(num_functions, fields, embedding_dim)`.
        """
        shape = (self.num_functions, len(self.fields), self.embedding_dim)
        columns = np.full(shape, -1, dtype="int32")
        for field, start in zip(self.stored, [0, *self.row_ends.tolist()], strict=False):
            for function, kept in enumerate(self.kept(field)):
                columns[function, field, kept] = np.arange(start, start + len(kept))
                start += len(kept)
                if self.dimensions is not None:
                    others = np.setdiff1d(kept, self.dimensions[function][field]).astype(int)
                    columns[function, field, others] = -1
        return columns


def checked_table_dimensions(dimensions, num_functions, num_fields, embedding_dim):
    """`[function][field] -> kept positions`, as lists of integers.

    Raises:
        ValueError: unless there are increasing positions for each function and field.
    """
    if [len(row) for row in dimensions] != [num_fields] * num_functions:
        raise ValueError(
            f"dimensions must hold, for each of the {num_functions} functions, kept "
            f"positions for each of the {num_fields} fields. "
            f"Received: {len(dimensions)} functions with "
            f"{[len(row) for row in dimensions]} fields"
        )
    return [
        [
            list(checked_positions(positions, embedding_dim, f"dimensions[{k}][{i}]"))
            for i, positions in enumerate(row)
        ]
        for k, row in enumerate(dimensions)
    ]
