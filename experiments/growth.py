"""Measures how step time and memory grow with fields, order, batch, vocabulary: docs/growth.md."""

import pathlib
import sys

from absl import flags

from experiments import binary, measured_tables
from experiments.benchmarks import growth_plot, growth_sweep

JSON = flags.DEFINE_string("json", "runs/growth.json", "File of the results; beside it a PNG.")
ONLY = flags.DEFINE_list("only", [], "Names of the axes to sweep; all by default.")
REPETITIONS = flags.DEFINE_integer("repetitions", 3, "Repetitions of a point.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 5, "Timed steps of a repetition.", lower_bound=1)
MAX_GB = flags.DEFINE_float("max_gb", None, "Memory of a point; by default 0.6 of the machine's.")
SMALL = flags.DEFINE_boolean("small", False, "Tiny sizes, to try the command.")


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    options = (ONLY, REPETITIONS, STEPS, MAX_GB, SMALL)
    results = growth_sweep.sweep(JSON.value, *(option.value for option in options))
    measured_tables.show_growth(results)
    print(f"Results in {JSON.value}")
    growth_plot.plot(results, pathlib.Path(JSON.value).with_suffix(".png"))
    if errors := growth_sweep.errors(results):
        sys.exit("Error: " + "\n".join(errors))


if __name__ == "__main__":
    binary.run(main)
