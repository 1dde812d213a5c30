"""Compares our models to other libraries' with the same weights: see docs/parity.md."""

import pathlib
import sys

from absl import flags

from aim_keras import atomic
from aim_keras.documents import write_json
from experiments import binary, summary
from experiments.benchmarks import peer_process
from experiments.parities import comparison, markdown

JSON = flags.DEFINE_string("json", "runs/parity.json", "File of the results; beside it a table.")
ONLY = flags.DEFINE_list("only", [], "Names of our models to compare; all by default.")
PEERS = flags.DEFINE_boolean("peers", False, "Install the peers that are not installed yet.")
PEERS_DIR = flags.DEFINE_string(
    "peers_dir", "~/.cache/aim_keras/peers", "Folder of the peers' virtual environments."
)
FUXICTR = flags.DEFINE_string(
    "fuxictr", None, "A checkout of FuxiCTR's repository, for its models."
)


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    for name in comparison.COUNTERPARTS if PEERS.value else ():
        peer_process.install(PEERS_DIR.value, name)
    results = comparison.compare(PEERS_DIR.value, FUXICTR.value, ONLY.value)
    write_json(JSON.value, results)
    table = pathlib.Path(JSON.value).with_suffix(".md")
    atomic.write_text(table, markdown.table(results))
    summary.show_parity(results)
    print(f"Results in {JSON.value} and {table}")
    if failure := comparison.failure(results):
        sys.exit(f"Error: {failure}")


if __name__ == "__main__":
    binary.run(main)
