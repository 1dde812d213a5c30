"""Draws several finished runs on one page: `python -m experiments.compare RUN RUN...`."""

from absl import flags

from experiments import binary
from experiments.reporting import runs_page

OUTPUT = flags.DEFINE_string("output", "compare.html", "The page to write.")


@binary.ends_in_words
def main(argv):
    _, *folders = argv
    print(f"Comparison in {runs_page.write(folders, OUTPUT.value)}")


if __name__ == "__main__":
    binary.run(main)
