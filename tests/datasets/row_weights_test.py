"""Weights of rows, from a builder to `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.datasets import pipeline
from aim_keras.datasets.config import Config
from aim_keras.metrics import log_loss
from tests.datasets.pipeline_test import Numbers, build_numbers


class Weighted(Numbers, skip_registration=True):
    """Rows whose weight is half their first id."""

    has_sample_weights = True

    def _generate(self):
        for split, ids, labels in super()._generate():
            weights = ids[:, 0].astype(np.float32) / 2 + self.builder_config.options["added"]
            yield split, ids, labels, None, weights


def _weighted(data_dir, added=0.0, rows=9000):
    options = {"rows": rows, "plant": (), "added": added}
    builder = Weighted(config=Config.of(options, {}), data_dir=data_dir)
    builder.download_and_prepare()
    return builder


def test_weights_of_rows_stay_with_them_and_reach_fit(tmp_path):
    builder = _weighted(tmp_path)
    for x, _, weights in pipeline.batches(builder, "train", 5000, shuffle_seed=1):
        np.testing.assert_array_equal(weights, x[:, 0] / 2)
    assert pipeline.counts(builder)["low"].sum() == 9000
    assert builder.facts("label_mean")["valid"] == 0.5
    inputs = keras.Input((2,), dtype="int32")
    model = keras.Model(inputs, keras.ops.zeros_like(inputs[:, :1], "float32"))
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    valid = pipeline.batches(builder, "valid", 10)
    ((x, _, weights),) = valid
    loss = model.evaluate(valid, verbose=0)
    assert loss == pytest.approx(np.log(2) * np.mean(weights), rel=1e-5)


def test_stream_checks_weights_of_rows(tmp_path):
    builder = _weighted(tmp_path, added=-0.25)
    message = r"The weight of a row must be finite and not below 0\. Received: -0\.25"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(pipeline.batches(builder, "train", 32))


def test_labels_of_rows_without_weight_do_not_count(tmp_path):
    pipeline.check_labels(_weighted(tmp_path / "a"))
    with pytest.raises(ValueError, match=r"train must .*no row has a weight above 0"):
        pipeline.check_labels(_weighted(tmp_path / "b", rows=1))


def test_entropy_is_the_log_loss_of_the_mean_label(tmp_path):
    for builder in (build_numbers(tmp_path / "a", rows=2500), _weighted(tmp_path / "b", rows=2500)):
        ((_, label, *weights),) = pipeline.batches(builder, "valid", 2500)
        mean = np.average(label[:, 0], weights=weights[0] if weights else None)
        constant = np.full(len(label), np.log(mean / (1 - mean)))
        expected = log_loss(label[:, 0], constant, *weights)
        assert pipeline.entropy(builder, "valid") == pytest.approx(expected)
