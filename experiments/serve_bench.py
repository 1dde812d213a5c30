"""Times an exported model: `python -m experiments.serve_bench --model=RUN_DIR/saved_model/1`."""

import numpy as np
import tensorflow as tf
from absl import flags

from aim_keras import warm_up
from experiments import binary, measured_tables
from experiments.benchmarks import latency

MODEL = flags.DEFINE_string("model", None, "Folder of the SavedModel.", required=True)
SIGNATURES = flags.DEFINE_list(
    "signatures", ["serving_default", "ids", "tf_example"], "What to call."
)
CANDIDATES = flags.DEFINE_list("candidates", ["1", "100", "500", "1000"], "Rows of a request.")
REQUESTS = flags.DEFINE_integer("requests", 500, "Timed requests of each size.", lower_bound=1)
THREADS = flags.DEFINE_integer("threads", 1, "Threads of TensorFlow.", lower_bound=1)


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    candidates = binary.integers(CANDIDATES, lowest=1)
    latency.use_threads(THREADS.value)
    results = bench(MODEL.value, SIGNATURES.value, candidates, REQUESTS.value)
    measured_tables.show_serving(results)


def bench(path, signatures, candidates, number):
    """Latency of requests to a SavedModel, whose rows are those of its warm-up requests, repeated.

    Args:
        path: Folder of the SavedModel.
        signatures: Names out of those that have warm-up requests.
        candidates: Numbers of rows of a request.
        number: Timed requests of each size.

    Returns:
        List of `{"signature", "candidates", "p50_ms", "p99_ms", "requests", "rows_per_s"}`, the
        last from the median.

    Raises:
        ValueError: if a signature has no warm-up requests.
        FileNotFoundError: if the SavedModel has none.
        ImportError: if tensorflow-serving-api is not installed.
    """
    inputs = dict(warm_up.read(path))  # the last of a signature: the one of the most rows
    if unknown := [name for name in signatures if name not in inputs]:
        raise ValueError(f"signatures must be of {', '.join(inputs)}. Received: {unknown}")
    loaded = tf.saved_model.load(path).signatures
    results = []
    for signature in signatures:
        for rows in candidates:
            request = {
                name: tf.constant(np.resize(array, (rows, *array.shape[1:])))
                for name, array in inputs[signature].items()
            }
            times = latency.percentiles(loaded[signature], [request], number)
            rate = 1000 * rows / times["p50_ms"]
            results.append(
                {"signature": signature, "candidates": rows, **times, "rows_per_s": rate}
            )
    return results


if __name__ == "__main__":
    binary.run(main)
