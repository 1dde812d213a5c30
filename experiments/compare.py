"""Draws several finished runs on one page: `python -m experiments.compare RUN RUN...`."""

import sys

from absl import flags

from experiments import binary
from experiments.reporting import runs_page

OUTPUT = flags.DEFINE_string("output", "compare.html", "The page to write.")


def main(argv):
    _, *folders = argv
    try:
        print(f"Comparison in {runs_page.write(folders, OUTPUT.value)}")
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    binary.run(main)
