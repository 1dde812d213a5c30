"""From a prepared data set to batches: one tf.data stream for `fit`, `evaluate` and `predict`."""

import numpy as np
import tensorflow as tf

from aim_keras.arguments import checked_integer
from aim_keras.datasets.blocks import BLOCK_ROWS, BlockBuilder
from aim_keras.fields import PADDING, places

INTERLEAVED_SHARDS = 8
MIXED_WINDOWS = 4  # windows whose blocks are shuffled together, still serialized


def rows(builder: BlockBuilder, split: str) -> int:
    """Number of rows of a split.

    Raises:
        RuntimeError: if the data set is not prepared.
        ValueError: if there is no such split.
    """
    counts = builder.facts("rows")
    if split not in counts:
        raise ValueError(f"split must be one of {', '.join(counts)}. Received: split={split!r}")
    return counts[split]


def counts(builder: BlockBuilder) -> dict[str, np.ndarray]:
    """How often each id occurs in train: `{field: integers (ids,)}`, from one pass over it.

    Raises:
        RuntimeError: if the data set is not prepared.
    """
    found = {name: np.zeros(field.size, np.int64) for name, field in builder.fields.items()}
    columns = [columns for columns, _ in places(builder.fields.values())]
    for features, *_ in batches(builder, "train", BLOCK_ROWS):
        ids = np.asarray(features[0] if isinstance(features, tuple) else features)
        for (name, of_field), of_ids in zip(found.items(), columns, strict=True):
            present = ids[:, of_ids][ids[:, of_ids] != PADDING]
            found[name] = of_field + np.bincount(present, minlength=len(of_field))
    return found


def check_labels(builder: BlockBuilder) -> None:
    """Checks that every split has rows of both classes, without which there is no AUC to select by.

    Each split is read until it has shown both. Rows of weight 0 do not count.

    Raises:
        RuntimeError: if the data set is not prepared.
        ValueError: names the split whose labels are all the same.
    """
    for split in builder.info.splits:
        low, high = np.inf, -np.inf
        for _, label, *weights in batches(builder, split, BLOCK_ROWS):
            counted = label[weights[0] > 0] if weights else label
            low, high = np.min(counted, initial=low), np.max(counted, initial=high)
            if low < high:
                break
        else:
            received = f"all are {low:g}" if low == high else "no row has a weight above 0"
            raise ValueError(
                f"The labels of {split} must be of both classes. Received: {received}, of "
                f"{rows(builder, split):,} rows of {builder.info.full_name}"
            )


def entropy(builder: BlockBuilder, split: str) -> float:
    """The log loss of the mean label of a split as the prediction of all its rows, as weighted.

    Raises:
        RuntimeError: if the data set is not prepared.
        ValueError: if there is no such split.
    """
    classes = np.zeros(2)
    for _, label, *weights in batches(builder, split, BLOCK_ROWS):
        classes += np.bincount(np.ravel(label).astype(int), *weights, minlength=2)
    shares = classes / np.sum(classes)
    return float(-np.sum(shares * np.log(shares)))


def batches(
    builder: BlockBuilder,
    split: str,
    batch_size: int,
    shuffle_seed: int | None = None,
    first_pass: int = 0,
    passes: int | None = 1,
    window: int = 64,
) -> tf.data.Dataset:
    """Batches of a split, pass after pass; every pass ends with its partial batch.

    With a seed, shards come in random order, their blocks are shuffled over four windows, and rows
    within each window. The order of pass `p` depends on `(shuffle_seed, p)` alone, neither on the
    passes before it nor on TensorFlow's global seed: `first_pass=p` resumes a stream.

    Args:
        builder: prepared builder of this package.
        split: "train", "valid" or "test".
        batch_size: int >= 1.
        shuffle_seed: int >= 0; None keeps the stored order. Defaults to None.
        first_pass: int >= 0, number of the first pass. Defaults to 0.
        passes: int >= 1, or None for an endless stream. Defaults to 1.
        window: int >= 1, blocks of 4096 rows that are shuffled together, in memory: a split of up
            to that many is shuffled fully. Defaults to 64.

    Returns:
        Dataset of `(features, label)`: int32 `(batch, columns)` and float32 `(batch, 1)`, of known
        cardinality; where fields are weighted of `((features, weights), label)`, the weights
        float32 `(batch, weighted columns)`; where rows are weighted with a third part, float32
        `(batch,)`. Reading it raises `tf.errors.InvalidArgumentError` for
        an id outside `[0, vocabulary size)`, -1 in lists excepted, for a weight that is not finite,
        or of a row below 0, and for a label outside `[0, 1]` or NaN.

    Raises:
        RuntimeError: if the data set is not prepared.
        ValueError: for an argument out of range.
    """
    least = {"batch_size": 1, "shuffle_seed": 0, "first_pass": 0, "passes": 1, "window": 1}
    given = (batch_size, shuffle_seed, first_pass, passes, window)
    for (name, minimum), value in zip(least.items(), given, strict=True):
        if not (value is None and name in ("shuffle_seed", "passes")):
            checked_integer(name, value, minimum)
    batches_in_pass = -(-rows(builder, split) // batch_size)
    files = [str(path) for path in builder.info.splits[split].filepaths]
    parse = _parser(builder)

    def one_pass(number):
        if shuffle_seed is None:
            return tf.data.TFRecordDataset(files).map(parse, 2).rebatch(batch_size)
        seed = tf.stack([tf.constant(shuffle_seed, tf.int64), number])
        files_of_pass = tf.data.Dataset.from_tensor_slices(files).batch(len(files))
        serialized = (
            _shuffled(files_of_pass, seed, level=0)
            .unbatch()
            .interleave(tf.data.TFRecordDataset, INTERLEAVED_SHARDS, 1, 2, deterministic=True)
            .batch(MIXED_WINDOWS * window)
        )
        blocks = _shuffled(serialized, seed, level=1).unbatch().map(parse, 2)
        return _shuffled(blocks.rebatch(window * BLOCK_ROWS), seed, level=2).rebatch(batch_size)

    counter = tf.data.Dataset.counter(first_pass)
    if passes is None:
        stream, cardinality = counter, tf.data.INFINITE_CARDINALITY
    else:
        stream, cardinality = counter.take(passes), passes * batches_in_pass
    stream = stream.flat_map(one_pass).apply(tf.data.experimental.assert_cardinality(cardinality))
    return stream.prefetch(tf.data.AUTOTUNE)


def _shuffled(dataset, seed, level):
    """Permutes the elements of each batch by stateless random numbers."""
    seed = tf.random.fold_in(seed, level, alg="philox")

    def shuffle(index, batch):
        count = tf.shape(tf.nest.flatten(batch)[0])[0]
        index_seed = tf.random.fold_in(seed, index, alg="philox")
        order = tf.random.experimental.stateless_shuffle(tf.range(count), index_seed, alg="philox")
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, order), batch)

    return dataset.enumerate().map(shuffle, 2)


def _parser(builder):
    """Serialized block -> checked `(features (rows, columns), label (rows, 1))`."""
    fields = builder.fields
    lengths = [field.length for field in fields.values()]
    names = np.repeat(list(fields), lengths)
    sizes = np.repeat([field.size for field in fields.values()], lengths)
    least = np.repeat([PADDING * field.multi_valued for field in fields.values()], lengths)

    def parse(serialized):
        block = builder.info.features.deserialize_example(serialized)
        ids, label = block["features"], block["label"]
        low, high = tf.reduce_min(ids, axis=0), tf.reduce_max(ids, axis=0)
        wrong = (low < least) | (high >= sizes)  # (columns,)
        column = tf.argmax(wrong)
        name, start, end = (tf.gather(of_column, column) for of_column in (names, least, sizes))
        _require(
            ~tf.reduce_any(wrong),
            ["Field ", name, ": an id must be in [", start, ", ", end, "). Received: "],
            tf.where(low < least, low, high)[column],
        )
        # False for NaN
        _require_all((label >= 0) & (label <= 1), "label must be in [0, 1]", label)
        features = ids
        if "weights" in block:
            weights = tf.reshape(block["weights"], (-1,))
            _require_all(tf.math.is_finite(weights), "A weight must be finite", weights)
            features = ids, block["weights"]
        if "sample_weight" not in block:
            return features, label[:, None]
        weights = block["sample_weight"]
        _require_all(
            tf.math.is_finite(weights) & (weights >= 0),
            "The weight of a row must be finite and not below 0",
            weights,
        )
        return features, label[:, None], weights

    return parse


def _require_all(valid, rule, values):
    worst = values[tf.argmin(tf.cast(valid, tf.int32))]
    _require(tf.reduce_all(valid), [f"{rule}. Received: "], worst)


def _require(condition, rule, received):
    parts = [part if isinstance(part, str) else _text(part) for part in [*rule, received]]
    tf.debugging.Assert(condition, [tf.strings.join(parts)])


def _text(value):
    return value if value.dtype == tf.string else tf.strings.as_string(value)
