"""Times requests to a SavedModel on one thread: `latency MODEL REQUESTS.npy NUMBER`, as a child."""

import json
import sys
import time

import numpy as np
import tensorflow as tf

from experiments.benchmarks.memory import resident_bytes

WARM_UP = 20


def main(path, requests, number):
    use_threads(1)
    before = resident_bytes()
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_default"]
    inputs = [
        {f"f{i}": tf.constant(column) for i, column in enumerate(ids.T)}
        for ids in np.load(requests)
    ]
    times = percentiles(serve, inputs, number)
    held = resident_bytes() - before
    print(json.dumps({**times, "resident_bytes": held}))


def percentiles(serve, requests, number):
    """Times a signature that gives `ctr`, after uncounted requests.

    Args:
        serve: Signature of a SavedModel.
        requests: List of its inputs, taken in turn.
        number: Integer >= 1: timed requests.

    Returns:
        `{"p50_ms", "p99_ms", "requests"}`.
    """
    times = []
    for i in range(WARM_UP + number):
        started = time.perf_counter()
        serve(**requests[i % len(requests)])["ctr"].numpy()
        times.append(1000 * (time.perf_counter() - started))
    p50, p99 = np.percentile(times[WARM_UP:], (50, 99))
    return {"p50_ms": p50, "p99_ms": p99, "requests": number}


def use_threads(number):
    """Runs TensorFlow on so many threads; to be called first of all."""
    tf.config.threading.set_intra_op_parallelism_threads(number)
    tf.config.threading.set_inter_op_parallelism_threads(number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
