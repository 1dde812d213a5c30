from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.datasets import pipeline, planted
from aim_keras.datasets.blocks import BlockBuilder
from aim_keras.datasets.config import Config
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.number_encodings import Dense
from aim_keras.fields import Field

ROWS = 300_000  # 74 blocks, two shards


class Numbers(BlockBuilder, skip_registration=True):
    """Field `low` and `high` together number the rows."""

    field_names = ("low", "high")

    def _generate(self):
        self._encoding = Encoding(
            {name: Categorical(tuple(map(str, range(999)))) for name in self.field_names}
        )
        row = np.arange(self.builder_config.options["rows"])
        ids = np.stack([row % 1000, row // 1000], 1).astype(np.int32)
        labels = (row % 2).astype(np.float32)
        for key, value in self.builder_config.options["plant"]:
            (labels if key == "label" else ids[:, self.field_names.index(key)])[5] = value
        yield "train", ids, labels
        yield "valid", ids[:10], labels[:10]
        yield "test", ids[:10], labels[:10]


class Lists(BlockBuilder, skip_registration=True):
    """A list, an id and two numbers, all of which number the rows."""

    field_names = ("list", "id", "up", "down")
    _layout: ClassVar = {
        "list": Field(1, 3),
        "id": Field(1),
        "up": Dense.field,
        "down": Dense.field,
    }

    def _generate(self):
        values = tuple(map(str, range(999)))
        self._encoding = Encoding(
            {
                "list": MultiCategorical(values, max_length=3),
                "id": Categorical(values),
                "up": Dense(),
                "down": Dense(),
            }
        )
        rows = self.builder_config.options["rows"]
        row = np.arange(rows)
        ids = np.full((rows, 6), -1, np.int32)
        ids[:, [0, 3]] = row[:, None] % 1000
        ids[:, 4:] = 0
        weights = np.stack([row, -row], 1).astype(np.float32)
        for key, column, value in self.builder_config.options["plant"]:
            (ids if key == "ids" else weights)[5, column] = value
        for split in ("train", "valid", "test"):
            yield split, ids, (row % 2).astype(np.float32), weights


def build_numbers(data_dir, rows=ROWS, plant=()):
    builder = Numbers(config=Config.of({"rows": rows, "plant": plant}, {}), data_dir=data_dir)
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return build_numbers(tmp_path_factory.mktemp("numbers"))


def _order(dataset):
    return np.concatenate([x[:, 0] + 1000 * x[:, 1] for x, _ in dataset.as_numpy_iterator()])


def test_without_seed_the_stored_order_is_kept(numbers):
    dataset = pipeline.batches(numbers, "train", 7000, passes=2)
    np.testing.assert_array_equal(_order(dataset), np.tile(np.arange(ROWS), 2))


def _lists(data_dir, rows, plant=()):
    builder = Lists(config=Config.of({"rows": rows, "plant": plant}, {}), data_dir=data_dir)
    builder.download_and_prepare()
    return builder


@pytest.mark.parametrize("shuffle_seed", [None, 1])
def test_weights_stay_with_their_rows(tmp_path, shuffle_seed):
    builder = _lists(tmp_path, 20_000)
    dataset = pipeline.batches(builder, "train", 7000, shuffle_seed)
    (features, weights), label = dataset.element_spec
    assert (features.dtype, features.shape.as_list()) == (tf.int32, [None, 6])
    assert (weights.dtype, weights.shape.as_list()) == (tf.float32, [None, 2])
    assert (label.dtype, label.shape.as_list()) == (tf.float32, [None, 1])
    seen = []
    for (x, w), y in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(x[:, 0], w[:, 0] % 1000)
        np.testing.assert_array_equal(y[:, 0], w[:, 0] % 2)
        np.testing.assert_array_equal(w[:, 0], -w[:, 1])
        seen.append(w[:, 0])
    assert [len(part) for part in seen] == [7000, 7000, 6000]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(20_000))
    expected = [Field(1000, 3, combiner="mean"), Field(1000), *[Field(1, weighted=True)] * 2]
    assert list(builder.fields.values()) == expected
    assert list(builder.vocabulary_sizes.values()) == [1000, 1000, 1, 1]


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (("ids", 2, -2), r"Field list: an id must be in \[-1, 1000\)\. Received: -2"),
        (("ids", 1, 1000), r"Field list: an id must be in \[-1, 1000\)\. Received: 1000"),
        (("ids", 3, -1), r"Field id: an id must be in \[0, 1000\)\. Received: -1"),
        (("weights", 1, float("inf")), "A weight must be finite. Received: inf"),
        (("weights", 0, float("nan")), "A weight must be finite. Received: nan"),
    ],
)
def test_stream_checks_lists_and_weights(tmp_path, plant, message):
    builder = _lists(tmp_path, 100, [plant])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(pipeline.batches(builder, "train", 32))


def test_specification_partial_batch_and_cardinality(numbers):
    dataset = pipeline.batches(numbers, "train", 7000, shuffle_seed=1, passes=2)
    assert dataset.cardinality() == 2 * 43
    features, label = dataset.element_spec
    assert (features.dtype, features.shape.as_list()) == (tf.int32, [None, 2])
    assert (label.dtype, label.shape.as_list()) == (tf.float32, [None, 1])
    sizes = [len(x) for x, _ in dataset]
    assert sizes == ([7000] * 42 + [6000]) * 2


def test_endless(numbers):
    dataset = pipeline.batches(numbers, "valid", 4, shuffle_seed=1, passes=None)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    sizes = [len(x) for x, _ in dataset.take(7)]
    assert sizes == [4, 4, 2, 4, 4, 2, 4]


def test_every_pass_holds_every_row_once_with_its_label(numbers):
    seen = []
    for x, y in pipeline.batches(numbers, "train", 9999, shuffle_seed=3).as_numpy_iterator():
        row = x[:, 0] + 1000 * x[:, 1]
        np.testing.assert_array_equal(y[:, 0], row % 2)
        seen.append(row)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(ROWS))


def test_shuffle_mixes_far_rows(numbers):
    order = _order(pipeline.batches(numbers, "train", 9999, shuffle_seed=3))
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.02
    first = order[:4096]
    assert first.min() < 0.05 * ROWS
    assert first.max() > 0.9 * ROWS


def test_a_small_split_is_shuffled_fully(tmp_path):
    builder = build_numbers(tmp_path, rows=20_000)
    order = _order(pipeline.batches(builder, "train", 100, shuffle_seed=5))
    place = np.argsort(order)  # where each row went
    assert abs(np.corrcoef(np.arange(20_000), place)[0, 1]) < 0.03
    blocks = [len(set(order[i : i + 2000] // 4096)) for i in range(0, 20_000, 2000)]
    assert blocks == [5] * 10


def test_each_window_has_an_order_of_its_own(tmp_path):
    builder = build_numbers(tmp_path, rows=2 * 4096)
    first, second = np.split(_order(pipeline.batches(builder, "train", 4096, 3, window=1)), 2)
    assert (first % 4096 == second % 4096).mean() < 0.01


def test_order_depends_on_seed_and_pass_alone(numbers):
    def stream(**kwargs):
        return _order(pipeline.batches(numbers, "train", 5000, **({"shuffle_seed": 7} | kwargs)))

    tf.keras.utils.set_random_seed(1)
    four = stream(passes=4)
    tf.keras.utils.set_random_seed(2)
    resumed = stream(first_pass=2, passes=2)
    np.testing.assert_array_equal(four[2 * ROWS :], resumed)
    passes = four.reshape(4, ROWS)
    for i in range(3):
        assert (passes[i] == passes[i + 1]).mean() < 0.01
    assert (stream(shuffle_seed=8) == passes[0]).mean() < 0.01


def test_labels_of_both_classes_are_wanted_in_every_split(numbers, tmp_path):
    pipeline.check_labels(numbers)
    one_row = build_numbers(tmp_path, rows=1)
    with pytest.raises(ValueError, match=r"train must be of both.*all are 0, of 1 rows of numbers"):
        pipeline.check_labels(one_row)


def test_counts_are_those_of_train(tmp_path):
    counts = pipeline.counts(build_numbers(tmp_path, rows=2500))  # valid and test have rows 0 to 9
    assert list(counts) == ["low", "high"]
    np.testing.assert_array_equal(counts["low"], np.repeat([3, 2], [500, 500]))
    np.testing.assert_array_equal(counts["high"], [1000, 1000, 500, *[0] * 997])


def test_counts_leave_padding_out(tmp_path):
    counts = pipeline.counts(_lists(tmp_path, 5000))
    for name in ("list", "id"):
        np.testing.assert_array_equal(counts[name], np.full(1000, 5))
    assert counts["up"].tolist() == counts["down"].tolist() == [5000]


@pytest.mark.parametrize("shuffle_seed", [None, 1])
@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (("low", 1000), r"Field low: an id must be in \[0, 1000\)\. Received: 1000"),
        (("high", -1), r"Field high: an id must be in \[0, 1000\)\. Received: -1"),
        (("label", float("nan")), r"label must be in \[0, 1\]\. Received: nan"),
        (("label", 2.0), r"label must be in \[0, 1\]\. Received: 2"),
    ],
)
def test_stream_checks_ids_and_labels(tmp_path, plant, message, shuffle_seed):
    builder = build_numbers(tmp_path, rows=100, plant=[plant])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(pipeline.batches(builder, "train", 32, shuffle_seed=shuffle_seed))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"split": "dev"}, "split must be one of train, valid, test. Received: split='dev'"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1. Received: batch_size=0"),
        ({"batch_size": None}, "batch_size must be an integer >= 1"),
        ({"shuffle_seed": -1}, "shuffle_seed must be an integer >= 0"),
        ({"first_pass": -1}, "first_pass must be an integer >= 0"),
        ({"passes": 0}, "passes must be an integer >= 1"),
        ({"window": 0}, "window must be an integer >= 1"),
    ],
)
def test_arguments_are_checked(numbers, argument, message):
    with pytest.raises(ValueError, match=message):
        pipeline.batches(numbers, **({"split": "train", "batch_size": 8} | argument))


def test_feeds_keras_fit(tmp_path):
    builder = planted.builder(tmp_path, num_train=1000, num_valid=100, num_test=100)
    builder.download_and_prepare()
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", tf.keras.losses.BinaryCrossentropy(from_logits=True))
    train = pipeline.batches(builder, "train", 300, shuffle_seed=1, passes=None)
    history = model.fit(train, epochs=3, steps_per_epoch=4, verbose=0)
    assert len(history.history["loss"]) == 3
