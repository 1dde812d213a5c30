"""The encodings as TensorFlow operations, which a SavedModel carries: from raw values to ids."""

import functools
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.lists import padded
from aim_keras.datasets.number_encodings import MISSING, Dense, Numerical
from aim_keras.fields import PADDING, places

OPTIONAL_FLOAT = tf.io.FixedLenFeature((), tf.float32, float("nan"))


class GraphEncoding(tf.Module):
    """What an `Encoding` makes of raw values, in a graph.

    | field | raw input | missing | in a `tf.train.Example` |
    |---|---|---|---|
    | `Categorical` | string `(batch,)` | `""` | bytes |
    | `MultiCategorical` | string `(batch, any length)` | `""`, in any place | bytes, any number |
    | `Numerical` | int64 `(batch,)` | the least int64 | int64 |
    | `Numerical(decimals=True)` | float64 `(batch,)` | NaN | float |
    | `Dense` | float64 `(batch,)` | NaN | float |

    A missing value, and an absent key of an `Example`, have what the encoding gives the empty
    string. A string of a list may itself hold items between separators, as in raw files. A number
    that is infinite, or is so in float32 or once standardised, counts as missing: training refuses
    it.

    Args:
        encoding: `Encoding`.
    """

    def __init__(self, encoding: Encoding):
        super().__init__()
        self._kinds = encoding.model_fields
        vocabulary = functools.cache(_Vocabulary)  # one of fields that share their values
        self.fields = {
            name: GRAPHS[type(field)](field, vocabulary) for name, field in encoding.fields.items()
        }

    @property
    def inputs(self) -> dict[str, tf.TensorSpec]:
        """The raw inputs by field name, in field order."""
        return {
            name: tf.TensorSpec((None,) * np.ndim(field.missing), field.dtype, name)
            for name, field in self.fields.items()
        }

    @property
    def missing(self) -> dict[str, tf.Tensor]:
        """Raw inputs of one row without any value."""
        return {name: tf.constant(f.missing, f.dtype) for name, f in self.fields.items()}

    def __call__(self, raw: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        """Raw inputs to ids `(batch, columns)` and, of dense fields, weights `(batch, number)`.

        An input of one row stands for as many rows as the others have, be it none.
        """
        counts = tf.stack([tf.shape(raw[name])[0] for name in self.fields])
        rows = tf.reduce_max(counts) * tf.reduce_min(tf.sign(counts))
        ids, weights = [], []
        for name, kind in self._kinds.items():
            encoded = tf.broadcast_to(self.fields[name](raw[name]), (rows, kind.length))
            if kind.dense:
                weights.append(encoded)
                encoded = tf.zeros_like(encoded, tf.int32)
            ids.append(encoded)
        return tuple(tf.concat(columns, axis=1) for columns in (ids, weights) if columns)

    def parse(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialised `tf.train.Example`s, `(batch,)`, to raw inputs."""
        features = {name: field.feature for name, field in self.fields.items()}
        parsed = tf.io.parse_example(examples, features)
        lists = {k: v.to_tensor() for k, v in parsed.items() if isinstance(v, tf.RaggedTensor)}
        return {k: tf.cast(v, self.fields[k].dtype) for k, v in (parsed | lists).items()}

    def serialize(self, raw: Mapping[str, np.ndarray]) -> list[bytes]:
        """Raw inputs, as arrays, to serialised `tf.train.Example`s, one a row."""
        kinds = {tf.string: "bytes_list", tf.int64: "int64_list", tf.float64: "float_list"}
        examples = []
        for row in zip(*(raw[name] for name in self.fields), strict=True):
            example = tf.train.Example()
            for (name, field), values in zip(self.fields.items(), row, strict=True):
                values = np.atleast_1d(values).tolist()
                if field.dtype == tf.string:
                    values = map(tf.compat.as_bytes, values)
                getattr(example.features.feature[name], kinds[field.dtype]).value.extend(values)
            examples.append(example.SerializeToString())
        return examples

    def decode(self, ids: np.ndarray, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Raw inputs that are encoded as these ids and weights of the encoding.

        Raises:
            ValueError: on an id that no raw value has.
        """
        raw = {}
        slices = places(self._kinds.values())
        for (name, kind), (columns, of_weights) in zip(self._kinds.items(), slices, strict=True):
            encoded = weights[:, of_weights] if kind.dense else ids[:, columns]
            if not kind.dense:
                _check_ids(name, encoded, self.fields[name].least_id, kind.size)
            raw[name] = self.fields[name].decode(encoded)
        return raw


def _check_ids(name, ids, least, size):
    if (wrong := ids[(ids < least) | (ids >= size)]).size:
        raise ValueError(
            f"Field {name!r}: an id must be that of a raw value, in [{least}, {size}). "
            f"Received: {wrong[0]}"
        )


class _Vocabulary(tf.Module):
    """Strings to ids of the same shape."""

    def __init__(self, values):
        super().__init__()
        # A mutable table is a part of the checkpoint: any string may be a value (a text file has no
        # place for empty lines and line ends), none is a constant of the graph.
        self._table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int32, 0)
        self._table.insert(tf.constant(values, tf.string), tf.range(1, len(values) + 1))

    def __call__(self, strings):
        return self._table.lookup(strings)


class _CategoricalGraph(tf.Module):
    dtype, missing, least_id = tf.string, [""], 0
    feature = tf.io.FixedLenFeature((), tf.string, "")

    def __init__(self, encoding: Categorical, vocabulary):
        super().__init__()
        self._lookup = vocabulary(encoding.values)
        self._values = np.array([_unseen(encoding.values), *encoding.values], object)

    def __call__(self, values):
        return self._lookup(values)[:, None]

    def decode(self, ids):
        return self._values[ids[:, 0]]


class _MultiCategoricalGraph(tf.Module):
    dtype, missing, least_id = tf.string, [[""]], PADDING
    feature = tf.io.RaggedFeature(tf.string)

    def __init__(self, encoding: MultiCategorical, vocabulary):
        super().__init__()
        self._length, self._separator = encoding.max_length, encoding.separator
        self._keep = encoding.keep
        self._lookup = vocabulary(encoding.values)
        letter = "y" if "x" in encoding.separator else "x"
        self._values = np.array(
            [_unseen(encoding.values, letter), *encoding.values, ""], object
        )  # the last one for -1

    def __call__(self, values):
        items = tf.strings.split(values, self._separator).merge_dims(1, 2)
        items = tf.ragged.boolean_mask(items, items != "")
        if self._keep == "last":
            items = items[:, -self._length :]
        return padded(tf.ragged.map_flat_values(self._lookup, items), self._length)

    def decode(self, ids):
        return self._values[ids]


class _NumericalGraph(tf.Module):
    def __init__(self, encoding: Numerical, _):
        super().__init__()
        self._boundaries = np.array(encoding.boundaries, encoding.dtype)
        self._unknown = None if encoding.has_missing else encoding.missing
        self.least_id = int(encoding.has_missing)  # 0 is of a missing value that train had not
        self._decimals = encoding.decimals
        if encoding.decimals:
            self.dtype, self.missing, self.feature = tf.float64, [float("nan")], OPTIONAL_FLOAT
        else:
            self.dtype, self.missing = tf.int64, [MISSING]
            self.feature = tf.io.FixedLenFeature((), tf.int64, MISSING)

    def __call__(self, values):
        if self._decimals:
            values = tf.cast(values, tf.float32)
            values = tf.where(tf.math.is_finite(values), values, -np.inf)
        ids = 1 + tf.searchsorted(self._boundaries, values)
        if self._unknown is not None:
            ids = tf.where(values == self._unknown, 0, ids)
        return ids[:, None]

    def decode(self, ids):
        above = [_above(self._boundaries[-1])] if len(self._boundaries) else [0]
        return np.concatenate([self.missing, self._boundaries, above])[ids[:, 0]]


class _DenseGraph(tf.Module):
    dtype, missing, feature = tf.float64, [float("nan")], OPTIONAL_FLOAT

    def __init__(self, encoding: Dense, _):
        super().__init__()
        self._mean, self._deviation = encoding.mean, encoding.deviation

    def __call__(self, values):
        weights = tf.cast((values - self._mean) / self._deviation, tf.float32)
        return tf.where(tf.math.is_finite(weights), weights, 0.0)[:, None]

    def decode(self, weights):
        return weights[:, 0].astype(np.float64) * self._deviation + self._mean


GRAPHS = {
    Categorical: _CategoricalGraph,
    MultiCategorical: _MultiCategoricalGraph,
    Numerical: _NumericalGraph,
    Dense: _DenseGraph,
}


def _above(number):
    """The next number of its type."""
    return number + 1 if number.dtype == np.int64 else np.nextafter(number, np.float32(np.inf))


def _unseen(values, letter="x") -> str:
    """A string that is none of these: it is longer."""
    return letter * (1 + max(map(len, values), default=0))
