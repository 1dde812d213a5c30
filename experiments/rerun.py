"""Trains the leaderboard's own models on our data: see docs/tables.md."""

import sys

from absl import flags

from experiments import binary, peer_flags
from experiments.configuration import gin_path

try:
    from experiments.tabulating import data, plan, records, rerunning
except ImportError as error:
    sys.exit(f'Error: {error}: pip install -e ".[tables]"')

GIN_FILE = flags.DEFINE_string(
    "gin_file", None, "A plan, such as tables/frappe.gin.", required=True
)
ONLY = flags.DEFINE_list("only", [], "Names of the models; all of the plan's by default.")
SEEDS = flags.DEFINE_list("seeds", ["1"], "Seeds.")
RAW_DIR = flags.DEFINE_string("raw_dir", None, "Folder of the raw data files.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data.")
RECORDS = flags.DEFINE_string("records", records.PATH, "The records.")


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    seeds = binary.integers(SEEDS, lowest=0)
    planned = plan.load(gin_path(GIN_FILE.value))
    names = binary.chosen(ONLY.value, [rerun.name for rerun in planned.reruns])
    there, left_out = peer_flags.commands(["fuxictr"], rerunning.SCRIPTS, "train")
    if left_out:
        raise ValueError(f"FuxiCTR cannot run: {left_out['fuxictr']}")
    chosen = [rerun for rerun in planned.reruns if rerun.name in names]
    reruns = [(rerun, seed) for seed in seeds for rerun in chosen]
    builder = data.prepared(planned, raw_dir=RAW_DIR.value, data_dir=DATA_DIR.value)
    rerunning.rerun_missing(
        reruns, builder, data.identity(builder), RECORDS.value, there["fuxictr"]
    )


if __name__ == "__main__":
    binary.run(main)
