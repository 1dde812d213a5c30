"""Compares our models to other libraries' with the same weights: see docs/parity.md."""

import pathlib
import sys

from absl import flags

from aim_keras import atomic
from aim_keras.documents import write_json
from experiments import binary, measured_tables, peer_flags
from experiments.parities import comparison

JSON = flags.DEFINE_string("json", "runs/parity.json", "File of the results; beside it a table.")
ONLY = flags.DEFINE_list("only", [], "Names of our models to compare; all by default.")


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    peers = peer_flags.commands(comparison.COUNTERPARTS, comparison.SCRIPTS)
    results = comparison.compare(*peers, ONLY.value)
    write_json(JSON.value, results)
    table = pathlib.Path(JSON.value).with_suffix(".md")
    atomic.write_text(table, comparison.table(results))
    measured_tables.show_parity(results)
    print(f"Results in {JSON.value} and {table}")
    if failure := comparison.failure(results):
        sys.exit(f"Error: {failure}")


if __name__ == "__main__":
    binary.run(main)
