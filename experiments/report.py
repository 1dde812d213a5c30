"""Writes the report of a finished run: `python -m experiments.report --run_dir=runs/quickstart`."""

from absl import flags

from experiments import binary
from experiments.reporting import run_page

RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of a finished run.", required=True)
BESIDE = flags.DEFINE_multi_string(
    "beside", [], "Another run to compare with, FOLDER or NAME=FOLDER; any number of them."
)


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    print(f"Report in {run_page.write(RUN_DIR.value, BESIDE.value)}")


if __name__ == "__main__":
    binary.run(main)
