"""Writes the report of a finished run: `python -m experiments.report --run_dir=runs/quickstart`."""

import sys

from absl import app, flags

from experiments import binary
from experiments.reporting import run_page

RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of a finished run.", required=True)
BESIDE = flags.DEFINE_multi_string(
    "beside", [], "Another run to compare with, FOLDER or NAME=FOLDER; any number of them."
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Every argument is a --flag. Received: {argv[1:]}")
    try:
        print(f"Report in {run_page.write(RUN_DIR.value, BESIDE.value)}")
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    binary.run(main)
