"""Measures speed, memory and size beside plain Keras, peers and limits: see docs/benchmark.md."""

import pathlib
import sys

import keras
from absl import flags

from aim_keras.documents import write_json
from experiments import binary, measured_tables, peer_flags, provenance
from experiments.benchmarks import data, peer_process, plot
from experiments.benchmarks.registry import MEASUREMENTS, Bench

JSON = flags.DEFINE_string("json", "runs/benchmark.json", "File of the results; beside it a PNG.")
ONLY = flags.DEFINE_list("only", [], "Names of the measurements to run; all by default.")
REPETITIONS = flags.DEFINE_integer("repetitions", 7, "Repetitions of each side.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 20, "Timed steps of a repetition.", lower_bound=1)
ROWS = flags.DEFINE_integer("rows", 200_000, "Rows to prepare or to read.", lower_bound=1)
SHAPE = flags.DEFINE_string("shape", None, "criteo, criteo_10m, avazu or frappe for all.")
FRAPPE = flags.DEFINE_string("frappe", None, "Folder of Frappe's raw files, for --shape=frappe.")


def run():
    """Runs the measurements and writes their results after each one.

    Returns:
        The content of the JSON.

    Raises:
        ValueError: on an unknown name or shape.
    """
    names = binary.chosen(ONLY.value, MEASUREMENTS)
    shapes = {name: data.shape(_shape(name), FRAPPE.value) for name in names}
    peers, left_out = peer_flags.commands(peer_process.PEERS)
    for name, reason in left_out.items():
        print(f"Without {name}: {reason}")
    results = {**provenance.facts_of("experiments.benchmark"), "measurements": {}}
    for name in names:
        print(f"Measuring {name}", flush=True)
        keras.utils.clear_session()
        counts = (REPETITIONS.value, STEPS.value, ROWS.value)
        try:
            entry = MEASUREMENTS[name].entry(Bench(shapes[name], *counts, peers, left_out))
        except binary.ERRORS as error:
            entry = {"error": str(error), "target": MEASUREMENTS[name].target, "met": False}
        results["measurements"][name] = entry
        write_json(JSON.value, results)
    return results


def _shape(name):
    return SHAPE.value or MEASUREMENTS[name].shape


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    results = run()
    measured_tables.show_benchmark(results)
    print(f"Results in {JSON.value}")
    plot.plot(results, pathlib.Path(JSON.value).with_suffix(".png"))
    if failed := [name for name, entry in results["measurements"].items() if "error" in entry]:
        sys.exit(f"Error: {', '.join(failed)} could not be measured")


if __name__ == "__main__":
    binary.run(main)
