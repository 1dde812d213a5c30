"""Writes blocks of rows as TFDS reads them: shards of TFRecords of `tf.train.Example`."""

import os
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

SHARD_BLOCKS = 64


class ShardWriter:
    """Writes each split's examples in the order in which they come.

    `tfds.core.SequentialWriter` writes the same examples, but takes four times as long for each,
    in which no other thread runs, and writes all metadata anew with each call.

    Args:
        info: `tfds.core.DatasetInfo`, whose features are written.
        folder: where the shards go.
        splits: names of the splits.
    """

    def __init__(self, info: tfds.core.DatasetInfo, folder, splits: Iterable[str]):
        info.set_file_format(tfds.core.FileFormat.TFRECORD)
        self._features = info.features
        self._splits = {split: _Split(info, folder, split) for split in splits}

    def add(self, split: str, examples: Iterable[Mapping[str, np.ndarray]]) -> None:
        """Writes examples: numbers by feature name, as the features have it."""
        for example in examples:
            self._splits[split].add(serialized(self._features.encode_example(example)))

    def close(self) -> tfds.core.SplitDict:
        """Ends all files, and says what was written."""
        return tfds.core.SplitDict([split.close() for split in self._splits.values()])


class _Split:
    """The shards of one split."""

    def __init__(self, info, folder, split):
        self._name = split
        self._template = tfds.core.ShardedFileTemplate(
            dataset_name=info.name,
            data_dir=folder,
            split=split,
            filetype_suffix=info.file_format.file_suffix,
            template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_INDEX}",
        )
        self._file = None
        self._lengths, self._bytes = [], 0

    def add(self, record: bytes) -> None:
        if not self._lengths or self._lengths[-1] == SHARD_BLOCKS:
            self._end_shard()
            path = self._template.sharded_filepath(shard_index=len(self._lengths), num_shards=None)
            self._file = tf.io.TFRecordWriter(os.fspath(path))
            self._lengths.append(0)
        self._file.write(record)
        self._lengths[-1] += 1
        self._bytes += len(record)

    def close(self) -> tfds.core.SplitInfo:
        self._end_shard()
        return tfds.core.SplitInfo(
            name=self._name,
            shard_lengths=self._lengths,
            num_bytes=self._bytes,
            filename_template=self._template,
        )

    def _end_shard(self) -> None:
        if self._file:
            self._file.close()


def serialized(example: Mapping[str, np.ndarray]) -> bytes:
    """A `tf.train.Example` of arrays of integers or floats, each in row-major order."""
    entries = []
    for name, array in example.items():
        if np.issubdtype(array.dtype, np.integer):
            feature = {"int64_list": _message("Int64List", value=array.ravel().astype(np.int64))}
        else:
            feature = {"float_list": _message("FloatList", value=array.ravel())}
        entry = _message("Features.FeatureEntry", key=[name], value=_message("Feature", **feature))
        entries.append(entry)
    features = _message("Features", feature=tf.concat(entries, 0))
    return _message("Example", features=features)[0].numpy()


def _message(kind: str, **fields) -> tf.Tensor:
    """A serialized protocol buffer, string `(1,)`, from the values of its fields, each `(n,)`."""
    sizes = [[len(values) for values in fields.values()]]
    values = [tf.expand_dims(values, 0) for values in fields.values()]
    return tf.io.encode_proto(sizes, values, list(fields), f"tensorflow.{kind}")
