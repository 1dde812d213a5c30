"""Writes blocks of rows as TFDS reads them: shards of TFRecords of `tf.train.Example`."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from aim_keras import atomic

SHARD_BLOCKS = 64


@dataclass(frozen=True)
class Shards:
    """Where the shards of one split are, and what TFDS must know of them."""

    split: str
    template: tfds.core.ShardedFileTemplate

    @classmethod
    def of(cls, info: tfds.core.DatasetInfo, folder, split: str) -> "Shards":
        """The shards of a split in a folder; sets the file format of `info`."""
        info.set_file_format(tfds.core.FileFormat.TFRECORD)
        template = tfds.core.ShardedFileTemplate(
            dataset_name=info.name,
            data_dir=folder,
            split=split,
            filetype_suffix=info.file_format.file_suffix,
            template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_INDEX}",
        )
        return cls(split, template)

    def path(self, index: int) -> str:
        """Where a shard is."""
        return os.fspath(self.template.sharded_filepath(shard_index=index, num_shards=None))

    def info(self, lengths: list[int], size: int) -> tfds.core.SplitInfo:
        """Of the number of examples of each shard, and the bytes of all examples."""
        return tfds.core.SplitInfo(
            name=self.split,
            shard_lengths=lengths,
            num_bytes=size,
            filename_template=self.template,
        )


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
        self._features = info.features
        self._splits = {split: _Split(Shards.of(info, folder, split)) for split in splits}

    def add(self, split: str, examples: Iterable[Mapping[str, np.ndarray]]) -> None:
        """Writes examples: numbers by feature name, as the features have it."""
        for example in examples:
            self._splits[split].add(serialized(self._features.encode_example(example)))

    def close(self) -> tfds.core.SplitDict:
        """Ends all files, and says what was written."""
        return tfds.core.SplitDict([split.close() for split in self._splits.values()])


class _Split:
    """The shards of one split."""

    def __init__(self, shards):
        self._shards = shards
        self._file = None
        self._lengths, self._bytes = [], 0

    def add(self, record: bytes) -> None:
        if not self._lengths or self._lengths[-1] == SHARD_BLOCKS:
            self._end_shard()
            self._file = tf.io.TFRecordWriter(self._shards.path(len(self._lengths)))
            self._lengths.append(0)
        self._file.write(record)
        self._lengths[-1] += 1
        self._bytes += len(record)

    def close(self) -> tfds.core.SplitInfo:
        self._end_shard()
        return self._shards.info(self._lengths, self._bytes)

    def _end_shard(self) -> None:
        if self._file:
            self._file.close()


def write_shard(path, features, examples: Iterable[Mapping[str, np.ndarray]]) -> tuple[int, int]:
    """Writes a whole shard, as `ShardWriter` does, or nothing; returns its examples and bytes."""
    records = [serialized(features.encode_example(example)) for example in examples]
    with atomic.new_file(path) as temporary, tf.io.TFRecordWriter(os.fspath(temporary)) as file:
        for record in records:
            file.write(record)
    return len(records), sum(map(len, records))


def serialized(example: Mapping[str, np.ndarray]) -> bytes:
    """A `tf.train.Example` of arrays of integers or floats, each in row-major order.

    Its bytes are the same in every process: arrays go by name, not in the order of a hash.
    """
    entries = []
    for name, array in sorted(example.items()):
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
