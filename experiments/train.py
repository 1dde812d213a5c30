"""Searches and trains a CTR model: `python -m experiments.train --gin_file=quickstart.gin`."""

import pathlib

import gin
from absl import flags

from aim_keras import backend
from experiments import binary, pipeline, request
from experiments.configuration import gin_path, parse
from experiments.gin_values import check_given, check_scopes

GIN_FILE = flags.DEFINE_string(
    "gin_file", None, "A file in gin/ (its name) or anywhere.", required=True
)
GIN_BINDINGS = flags.DEFINE_multi_string("gin_bindings", [], "Values over those of the file.")
RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the results; runs/<gin file> by default.")
RAW_DIR = flags.DEFINE_string("raw_dir", None, "Folder of the raw data files.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the prepared data; data by default.")
BEAM = flags.DEFINE_list(
    "beam_pipeline_options",
    None,
    "Options of Apache Beam, such as runner=DirectRunner, which then prepares the data.",
)
SEED = flags.DEFINE_integer("seed", None, "Seed of the weights and of the order of the rows.")
DETERMINISTIC = flags.DEFINE_boolean(
    "deterministic", False, "Same seed, same bits, on one machine; slower."
)


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    if DETERMINISTIC.value:
        backend.make_deterministic()
    values = {
        "seed": SEED.value,
        "raw_dir": RAW_DIR.value,
        "data_dir": DATA_DIR.value,
        "beam_pipeline_options": BEAM.value,
    }
    given = {name: value for name, value in values.items() if value is not None}
    path = gin_path(GIN_FILE.value)
    parse(path, GIN_BINDINGS.value, seed=SEED.value)
    check_scopes(request.SCOPES)
    check_given(pipeline.run)
    run_dir = RUN_DIR.value or pathlib.Path("runs") / path.stem
    gin.get_configurable(pipeline.run)(run_dir, **given)


if __name__ == "__main__":
    binary.run(main)
