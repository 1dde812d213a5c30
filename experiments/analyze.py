"""Analyses a finished run: `python -m experiments.analyze --run_dir=runs/quickstart`."""

from absl import flags

from experiments import analysis, binary, run_files

RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of a finished run.", required=True)
RAW_DIR = flags.DEFINE_string("raw_dir", None, "Folder of the raw data files.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the prepared data; data by default.")
ORDER = flags.DEFINE_integer("order", 2, "Order of the interactions.")
TOP = flags.DEFINE_integer("top", None, "Interactions to rank; as many as were kept by default.")
SPLIT = flags.DEFINE_enum(
    "split", "valid", run_files.EVALUATED, "Where statistics_AUC is evaluated."
)
RETRAIN = flags.DEFINE_boolean("retrain", False, "Re-train the top interactions of both rankings.")
INTERACTIONS_PER_PASS = flags.DEFINE_integer(
    "interactions_per_pass", 50, "Interactions counted at once: fewer need less memory."
)


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    analysis.analyze(
        RUN_DIR.value,
        ORDER.value,
        TOP.value,
        SPLIT.value,
        RETRAIN.value,
        INTERACTIONS_PER_PASS.value,
        RAW_DIR.value,
        DATA_DIR.value,
    )


if __name__ == "__main__":
    binary.run(main)
