"""What a model costs."""

import numpy as np
import tensorflow as tf

from experiments.tabulating import measuring


def test_inference_is_timed_on_whole_batches(monkeypatch):
    shapes = set()

    def model(features, training):
        shapes.add((*features.shape, training))
        return features

    batches = tf.data.Dataset.from_tensor_slices((np.zeros((6, 1)), np.zeros(6))).batch(4)
    monkeypatch.setattr(measuring, "ROWS", 12)
    monkeypatch.setattr(measuring, "BATCH_ROWS", 4)
    monkeypatch.setattr(measuring.data, "rows", lambda *given: 6)
    monkeypatch.setattr(measuring.data, "batches", lambda *given: batches)
    assert measuring.inference_seconds(model, None) > 0
    assert shapes == {(4, 1, False)}
