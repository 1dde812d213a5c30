import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from aim_keras.datasets import blocks, writer
from aim_keras.datasets.config import Config
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical
from aim_keras.datasets.number_encodings import Dense


class Extremes(blocks.BlockBuilder, skip_registration=True):
    """Ids of all lengths that the file format knows, and weights."""

    field_names = ("id", "number")

    def _generate(self):
        values = tuple(map(str, range(9)))
        self._encoding = Encoding({"id": Categorical(values), "number": Dense()})
        bits = 2 ** np.arange(31)
        ids = np.stack([np.r_[bits, bits - 1, -1], np.zeros(63)], 1).astype(np.int32)
        for i, split in enumerate(blocks.SPLITS):
            rows = np.resize(ids, (4096 * (2 + i) + 5, 2))
            yield split, rows, np.linspace(0, 1, len(rows), dtype=np.float32)


@pytest.fixture
def shards_of_two(monkeypatch):
    monkeypatch.setattr(writer, "SHARD_BLOCKS", 2)


def _prepared(folder):
    builder = Extremes(config=Config.of({"x": 1}, {}), data_dir=folder)
    builder.download_and_prepare()
    return builder


def test_writes_what_the_writer_of_tfds_writes(tmp_path, shards_of_two):
    ours = _prepared(tmp_path / "ours")
    info = Extremes(config=ours.builder_config, data_dir=tmp_path / "tfds").info
    pathlib.Path(info.data_dir).mkdir(parents=True)
    slow = tfds.core.SequentialWriter(info, max_examples_per_shard=2)
    slow.initialize_splits(list(blocks.SPLITS))
    for split in blocks.SPLITS:
        slow.add_examples({split: list(ours.as_dataset(split=split).as_numpy_iterator())})
    slow.close_all()

    for split in blocks.SPLITS:
        expected, found = info.splits[split], ours.info.splits[split]
        assert found.shard_lengths == expected.shard_lengths
        assert found.num_bytes == expected.num_bytes
        assert [path.name for path in found.filepaths] == [path.name for path in expected.filepaths]
        pairs = zip(*(map(_examples, (found.filepaths, expected.filepaths))), strict=True)
        assert all(ours == theirs for ours, theirs in pairs)
    assert ours.info.splits["test"].shard_lengths == [2, 2, 1]


def _examples(paths):
    for record in tf.data.TFRecordDataset([str(path) for path in paths]).as_numpy_iterator():
        yield tf.train.Example.FromString(record)


def test_an_example_must_have_the_shape_of_its_features(tmp_path):
    builder = Extremes(config=Config.of({"x": 1}, {}), data_dir=tmp_path)
    wrong = {"features": np.zeros((3, 7), np.int32), "label": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match=r"\(3, 7\)"):
        writer.ShardWriter(builder.info, tmp_path, ["train"]).add("train", [wrong])
