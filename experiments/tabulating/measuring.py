"""What a trained model costs: parameters of its tables, and the time of inference."""

import statistics
import time

import numpy as np
import tensorflow as tf

from aim_keras.datasets import pipeline as data

ROWS, BATCH_ROWS = 200_000, 2_000  # as in the paper's Table 7
REPETITIONS = 3


def embedding_parameters(model):
    """Number of weights in the tables that ids look up, those of the linear term included."""
    tables = [v for v in model.trainable_variables if v.name.startswith("table_")]
    return sum(int(np.prod(table.shape)) for table in tables)


def inference_seconds(model, builder):
    """Seconds of 200,000 rows of train, those of a smaller data set again and again.

    The median of some repetitions on batches in memory, after one that is not counted.
    """
    batch_rows = min(BATCH_ROWS, data.rows(builder, "train"))
    batches = data.batches(builder, "train", batch_rows).take(ROWS // batch_rows)
    inputs = [features for features, labels, *_ in batches if len(labels) == batch_rows]
    predict = tf.function(lambda features: model(features, training=False))
    predict(inputs[0])
    times = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        for i in range(ROWS // batch_rows):
            logits = predict(inputs[i % len(inputs)])
        logits.numpy()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
