"""Embeddings of fields, one for each interaction function."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer
from aim_keras.backend import gather_rows
from aim_keras.fields import Field, as_fields, shapes_of, widths
from aim_keras.layers import table_rows
from aim_keras.layers.pooling import pool
from aim_keras.layers.table_layout import TableLayout, checked_table_dimensions


@keras.saving.register_keras_serializable("aim_keras")
class FunctionWiseEmbedding(keras.layers.Layer):
    """Embeddings of fields, one for each interaction function (FWE).

        e_{k,i} = V_{k,i} x_i        (Eq. 1, a table for each function k, Eq. 14)

    `x_i` is one-hot for a categorical field, multi-hot for a multi-valued one, whose rows are
    pooled, and a number for a dense one: see `Field`.

    Ids are local to their field: field `i` has the ids `0 ... vocabulary_sizes[i] - 1`, where 0 is
    the out-of-vocabulary row. An id outside this range reads that row, never another field's; in a
    list -1 is padding.

    With `dimensions` a row stores only the kept positions of each function and field, so that the
    table really shrinks; the output has zeros at all other positions and equals the full table's
    masked output (Eq. 16 to 18). Fields whose rows have equal lengths lie in one table, in which
    each starts at an offset of its own: without `dimensions` that is a single table. Fields of one
    `Field.table` read the same rows, which store what any of them keeps.

    With `linear` each row also holds the feature's weight in the linear term, so that it costs no
    lookup of its own:

        <w, x> + b = sum_i w_{x_i} + b        (Eq. 4)

    With `compact` the output has no such zeros: it is the fields' rows as they are stored, linear
    weights included, and `columns` says where each kept position is.

    Args:
        vocabulary_sizes: Sequence of integers >= 1, the number of ids of each field, or `Field`s;
            or a mapping to these from the fields' names, which only a `Field.table` is about.
        embedding_dim: Integer >= 1: the embedding dimension.
        num_functions: Integer >= 1: the number of embeddings of a feature. 1 is the ordinary
            embedding, shared by all functions. Defaults to 1.
        dimensions: Nested sequence `[function][field] -> kept positions`, or `None` for all.
        initializer: of the tables. Defaults to a normal distribution of standard deviation 0.01.
        regularizer: of the tables (the whole tables, not the rows of the batch).
        linear: Boolean, whether there is a second output, the linear term. Its weights start at
            zero and have the tables' regularizer. Defaults to `False`.
        compact: Boolean, whether the output is compact. Defaults to `False`.

    Input shape: `(batch, fields)`, integers; with multi-valued fields `(batch, columns)`, and where
    fields are weighted a list of that and `(batch, weighted columns)`, floats (see `Field`).
    Output shape: `(batch, num_functions, fields, embedding_dim)`, or if `compact`
    `(batch, stored weights)`, and with `linear` a second output `(batch, 1)`.

    Attributes:
        columns: Integer array `(num_functions, fields, embedding_dim)`: the column of each kept
            position in a compact output, -1 for a pruned one.

    Raises:
        ValueError: on an argument or an input shape outside these rules, and in `set_embeddings`
            and `set_linear` on arrays of another number or shape.

    Example:

    ```pycon
    >>> embedding = FunctionWiseEmbedding([1000, 50, 7], embedding_dim=8, num_functions=4)
    >>> embedding(np.array([[999, 0, 3]])).shape
    (1, 4, 3, 8)
    ```

    Reference: AIM, sections 3.3 and 3.4.
    """

    def __init__(
        self,
        vocabulary_sizes: Iterable[int | Field] | Mapping[Any, int | Field],
        embedding_dim: int,
        num_functions: int = 1,
        dimensions: Any = None,
        initializer: keras.initializers.Initializer | str | None = None,
        regularizer: keras.regularizers.Regularizer | str | None = None,
        linear: bool = False,
        compact: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # Weights are pooled in full precision.
        if not isinstance(vocabulary_sizes, Mapping):
            vocabulary_sizes = dict(enumerate(vocabulary_sizes))
        self.fields = list(as_fields(vocabulary_sizes).values())
        self.vocabulary_sizes = [field.size for field in self.fields]
        self.embedding_dim = checked_integer("embedding_dim", embedding_dim)
        self.num_functions = checked_integer("num_functions", num_functions)
        self.linear = linear
        self.compact = compact
        if not self.fields:
            raise ValueError(
                "vocabulary_sizes must hold a size or a Field for each field. "
                f"Received: vocabulary_sizes={list(vocabulary_sizes)}"
            )
        shape = self.num_functions, len(self.fields), self.embedding_dim
        self.dimensions = (
            None if dimensions is None else checked_table_dimensions(dimensions, *shape)
        )
        self._layout = TableLayout(
            self.fields, embedding_dim, num_functions, self.dimensions, linear, compact
        )
        self.initializer = keras.initializers.get(
            initializer or keras.initializers.RandomNormal(stddev=0.01)
        )
        self.regularizer = keras.regularizers.get(regularizer)

    @classmethod
    def from_architecture(
        cls,
        architecture: Architecture | Mapping | str | os.PathLike,
        vocabulary_sizes: Mapping[str, int | Field],
        order: int = 2,
        **options: Any,
    ) -> "FunctionWiseEmbedding":
        """The embeddings of an architecture's interactions of one order, with the dimensions kept.

        They go into `GatedInteraction.from_architecture(architecture, order)`, whose functions they
        have; where `compact`, with `columns` of these.

        Args:
            architecture: `Architecture`, or the path of its file.
            vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the ids.
            order: Integer out of `architecture.orders`.
            **options: The layer's other arguments.

        Raises:
            ValueError: if the architecture is malformed, has no interaction of that order, or other
                fields.
        """
        architecture = Architecture.of(architecture)
        functions = [*architecture.of_order(order)]
        if not functions or set(vocabulary_sizes) != set(architecture.fields):
            raise ValueError(
                f"The architecture must have the fields {[*vocabulary_sizes]} and interactions of "
                f"order {order}. Received: fields {architecture.fields}, orders "
                f"{architecture.orders}"
            )
        dimensions = None
        if architecture.dimensions:
            kept = [architecture.kept_dimensions(order, function) for function in functions]
            dimensions = [[of_field[name] for name in vocabulary_sizes] for of_field in kept]
        dim = architecture.embedding_dim
        return cls(vocabulary_sizes, dim, len(functions), dimensions, **options)

    def build(self, input_shape: tuple) -> None:
        columns, weights = widths(self.fields)
        expected = [(width,) for width in (columns, weights) if width]
        if [shape[1:] for shape in shapes_of(input_shape)] != expected:
            raise ValueError(
                f"FunctionWiseEmbedding takes ids of shape (batch, {columns})"
                f"{f' and weights of shape (batch, {weights})' if weights else ''}, in the order "
                f"of the fields. Received: shape {input_shape}"
            )
        specs = [keras.layers.InputSpec(shape=(None, *shape)) for shape in expected]
        self.input_spec = specs if weights else specs[0]
        self.tables = [
            self.add_weight(
                (sum(self.vocabulary_sizes[field] for field in fields), width),
                self._row_initializer(),
                name=f"table_{width}",
                regularizer=self.regularizer,
                autocast=False,
            )
            for width, fields in self._layout.tables
        ]
        self._weighted = weights > 0
        self._sizes = np.repeat(self.vocabulary_sizes, [field.length for field in self.fields])
        if self.linear:
            self.bias = self.add_weight((1,), "zeros", name="bias")

    @property
    def columns(self) -> Any:
        """Where each kept position is in a compact output; see the class."""
        return self._layout.columns

    def _row_initializer(self):
        # An instance gives the same numbers each time; a function is no instance.
        initializer = getattr(self.initializer, "clone", lambda: self.initializer)()
        if not self.linear:
            return initializer
        # Arrays of the table's size alone, so that one can take the place of another in memory.
        return lambda shape, dtype: initializer(shape, dtype) * (np.arange(shape[-1])[::-1] > 0)

    def get_embeddings(self) -> list:
        """`values[function][field]`, an array `(ids, dim)`, with zeros where a row has nothing."""
        rows_by_field = table_rows.stored_rows(self.tables, self._layout)
        values = [
            [np.zeros((len(rows), self.embedding_dim), rows.dtype) for rows in rows_by_field]
            for _ in range(self.num_functions)
        ]
        for field, rows in enumerate(rows_by_field):
            start = 0
            for of_field, kept in zip(values, self._layout.kept(field), strict=True):
                of_field[field][:, kept] = rows[:, start : start + len(kept)]
                start += len(kept)
        return values

    def set_embeddings(self, values: Sequence) -> None:
        """Stores `values[function][field]`, an array `(ids, dim)`, at the kept positions."""
        table_rows.check_values(values, self._layout)
        self._assign(values, self.get_linear() if self.linear else None)

    def get_linear(self) -> list:
        """The weights of the linear term, an array `(ids, 1)` a field."""
        return [rows[:, -1:] for rows in table_rows.stored_rows(self.tables, self._layout)]

    def set_linear(self, weights: Any) -> None:
        """Stores the weights of the linear term, an array `(ids, 1)` a field."""
        table_rows.check_rows("weights", weights, self._layout, 1)
        self._assign(self.get_embeddings(), weights)

    def _assign(self, values, linear):
        for table, (_, fields) in zip(self.tables, self._layout.tables, strict=True):
            rows = [
                [
                    of_field[i][:, kept]
                    for of_field, kept in zip(values, self._layout.kept(i), strict=True)
                ]
                + ([linear[i]] if self.linear else [])
                for i in fields
            ]
            table.assign(np.vstack([np.hstack(of_field) for of_field in rows]))

    def call(self, inputs: Any) -> Any:
        ids, weights = inputs if self._weighted else (inputs, None)
        known = ops.cast(ops.where((ids >= 0) & ops.less(ids, self._sizes), ids, 0), "int32")
        if not np.array_equal(self._layout.id_order, np.arange(known.shape[1])):
            known = ops.take(known, self._layout.id_order, axis=1)
        groups = self._layout.groups
        places, starts = known + self._layout.id_offsets, [0]
        starts += np.cumsum([group.columns.size for group in groups]).tolist()
        rows: Sequence = [
            ops.cast(self._read(group, places[:, start:end], ids, weights), self.compute_dtype)
            for group, start, end in zip(groups, starts, starts[1:], strict=False)
        ]  # (batch, fields of the group, width) each
        linear = None
        if self.compact:
            nothing = ops.zeros((ops.shape(ids)[0], 0), self.compute_dtype)
            embeddings = ops.concatenate([nothing, *map(table_rows.flat, rows)], axis=1)
            if self.linear:
                ones = table_rows.linear_columns(self._layout, self.compute_dtype)
                linear = ops.matmul(embeddings, ones)
        else:
            if self.linear:
                rows, weights = zip(
                    *(ops.split(row, [row.shape[-1] - 1], axis=-1) for row in rows), strict=True
                )
                linear = sum(ops.sum(of_group, axis=1) for of_group in weights)
                rows = [row for row in rows if row.shape[-1]]
            zero = ops.zeros((ops.shape(ids)[0], 1), self.compute_dtype)
            embeddings = table_rows.by_function(self._layout, rows, zero)
        if not self.linear:
            return embeddings
        return embeddings, linear + ops.cast(self.bias, self.compute_dtype)

    def _read(self, group, places, ids, weights):
        table = self.tables[group.table]
        if not group.kind.multi_valued and not group.kind.weighted:
            return gather_rows(table, places)
        rows = gather_rows(table, ops.reshape(places, (-1, *group.columns.shape)))
        if group.kind.weighted:
            weights = ops.take(weights, group.weights, axis=1)
        return pool(rows, ops.take(ids, group.columns, axis=1), weights, group.kind)

    def compute_output_shape(self, input_shape: tuple) -> Any:
        batch = shapes_of(input_shape)[0][0]
        embeddings: tuple = (batch, self.num_functions, len(self.fields), self.embedding_dim)
        if self.compact:
            width = sum(self._layout.widths[field] + self.linear for field in self._layout.stored)
            embeddings = (batch, width)
        return (embeddings, (batch, 1)) if self.linear else embeddings

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_sizes": [field.to_config() for field in self.fields],
            "embedding_dim": self.embedding_dim,
            "num_functions": self.num_functions,
            "dimensions": self.dimensions,
            "linear": self.linear,
            "compact": self.compact,
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }
