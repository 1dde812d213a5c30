"""Embeddings of categorical fields, one for each interaction function."""

import collections

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("aim_keras")
class FunctionWiseEmbedding(keras.layers.Layer):
    """Embeddings of categorical fields, one for each interaction function (FWE).

        e_{k,i} = V_{k,i} x_i        (Eq. 1, a table for each function k, Eq. 14)

    Ids are local to their field: field `i` has the ids `0 ... vocabulary_sizes[i] - 1`, where 0 is
    the out-of-vocabulary row. An id outside this range reads that row, never another field's.

    With `dimensions` a row stores only the kept positions of each function and field, so that the
    table really shrinks; the output has zeros at all other positions and equals the full table's
    masked output (Eq. 16 to 18). Fields whose rows have equal lengths share one table, in which
    each starts at an offset of its own: without `dimensions` that is a single table.

    Args:
        vocabulary_sizes: Sequence of integers >= 1: the number of ids of each field.
        embedding_dim: Integer >= 1: the embedding dimension.
        num_functions: Integer >= 1: the number of embeddings of a feature. 1 is the ordinary
            embedding, shared by all functions. Defaults to 1.
        dimensions: Nested sequence `[function][field] -> kept positions`, or `None` for all.
        initializer: of the tables. Defaults to a normal distribution of standard deviation 0.01.
        regularizer: of the tables (the whole tables, not the rows of the batch).

    Input shape: `(batch, fields)`, integers.
    Output shape: `(batch, num_functions, fields, embedding_dim)`.

    Raises:
        ValueError: on an argument or an input shape outside these rules.

    Example:

    >>> embedding = FunctionWiseEmbedding([1000, 50, 7], embedding_dim=8, num_functions=4)
    >>> embedding(np.array([[999, 0, 3]])).shape
    (1, 4, 3, 8)

    Reference: AIM, sections 3.3 and 3.4.
    """

    def __init__(
        self,
        vocabulary_sizes,
        embedding_dim,
        num_functions=1,
        dimensions=None,
        initializer=None,
        regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_sizes = [int(size) for size in vocabulary_sizes]
        self.embedding_dim = embedding_dim
        self.num_functions = num_functions
        if not self.vocabulary_sizes or min(self.vocabulary_sizes) < 1:
            raise ValueError(
                "vocabulary_sizes must hold one size of at least 1 for each field. "
                f"Received: vocabulary_sizes={vocabulary_sizes}"
            )
        for name in ("embedding_dim", "num_functions"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1. Received: {name}={getattr(self, name)}"
                )
        self.dimensions = None if dimensions is None else self._checked(dimensions)
        self.initializer = keras.initializers.get(
            initializer or keras.initializers.RandomNormal(stddev=0.01)
        )
        self.regularizer = keras.regularizers.get(regularizer)

    def _checked(self, dimensions):
        num_fields = len(self.vocabulary_sizes)
        if [len(row) for row in dimensions] != [num_fields] * self.num_functions:
            raise ValueError(
                f"dimensions must hold, for each of the {self.num_functions} functions, kept "
                f"positions for each of the {num_fields} fields. "
                f"Received: {len(dimensions)} functions with "
                f"{[len(row) for row in dimensions]} fields"
            )
        kept = [[[int(j) for j in positions] for positions in row] for row in dimensions]
        for row in kept:
            for positions in row:
                if positions != sorted(set(positions) & set(range(self.embedding_dim))):
                    raise ValueError(
                        "Kept positions must be increasing and within "
                        f"0 ... {self.embedding_dim - 1}. Received: {positions}"
                    )
        return kept

    def build(self, input_shape):
        if tuple(input_shape[1:]) != (len(self.vocabulary_sizes),):
            raise ValueError(
                f"FunctionWiseEmbedding takes ids of shape (batch, {len(self.vocabulary_sizes)}), "
                f"one a field. Received: shape {tuple(input_shape)}"
            )
        fields_by_width = collections.defaultdict(list)
        for field, width in enumerate(self._row_widths()):
            if width:
                fields_by_width[width].append(field)
        self.tables = []
        self._fields, self._offsets = [], []
        for width, fields in sorted(fields_by_width.items()):
            sizes = [self.vocabulary_sizes[field] for field in fields]
            table = self.add_weight(
                (sum(sizes), width),
                self.initializer.clone(),  # An instance gives the same numbers each time.
                name=f"table_{width}",
                regularizer=self.regularizer,
                autocast=False,
            )
            self.tables.append(table)
            self._fields.append(np.array(fields))
            self._offsets.append(np.cumsum([0, *sizes[:-1]], dtype="int32"))
        if self.dimensions is not None:
            self._columns = self._output_columns()

    def _row_widths(self):
        if self.dimensions is None:
            return [self.num_functions * self.embedding_dim] * len(self.vocabulary_sizes)
        return [
            sum(len(row[i]) for row in self.dimensions) for i in range(len(self.vocabulary_sizes))
        ]

    def _output_columns(self):
        """Where each output coordinate lies in the concatenated rows; the last column is zero."""
        widths = self._row_widths()
        stored = [field for fields in self._fields for field in fields.tolist()]
        starts = dict(zip(stored, np.cumsum([0, *(widths[f] for f in stored)])[:-1], strict=True))
        shape = (self.num_functions, len(widths), self.embedding_dim)
        columns = np.full(shape, sum(widths), dtype="int32")
        for field, start in starts.items():
            for function, row in enumerate(self.dimensions):
                kept = row[field]
                columns[function, field, kept] = np.arange(start, start + len(kept))
                start += len(kept)
        return columns.reshape(-1)

    def call(self, inputs):
        known = (inputs >= 0) & (inputs < np.array(self.vocabulary_sizes))
        ids = ops.cast(ops.where(known, inputs, 0), "int32")
        rows = [
            ops.take(table, ops.take(ids, fields, axis=1) + offsets, axis=0)
            for table, fields, offsets in zip(self.tables, self._fields, self._offsets, strict=True)
        ]
        rows = [ops.cast(row, self.compute_dtype) for row in rows]
        shape = (-1, self.num_functions, len(self.vocabulary_sizes), self.embedding_dim)
        if self.dimensions is None:
            _, functions, fields, dim = shape
            return ops.transpose(ops.reshape(rows[0], (-1, fields, functions, dim)), (0, 2, 1, 3))
        zero = ops.zeros((ops.shape(inputs)[0], 1), self.compute_dtype)
        flat = [ops.reshape(row, (-1, row.shape[1] * row.shape[2])) for row in rows]
        return ops.reshape(
            ops.take(ops.concatenate([*flat, zero], axis=1), self._columns, axis=1), shape
        )

    def compute_output_shape(self, input_shape):
        return (
            input_shape[0],
            self.num_functions,
            len(self.vocabulary_sizes),
            self.embedding_dim,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_sizes": self.vocabulary_sizes,
            "embedding_dim": self.embedding_dim,
            "num_functions": self.num_functions,
            "dimensions": self.dimensions,
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }
