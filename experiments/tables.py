"""Fills the paper's tables: `python -m experiments.tables --gin_file=tables/frappe.gin`."""

import pathlib
import shlex
import sys

from absl import flags

from experiments import binary
from experiments.configuration import gin_path

try:
    from experiments import plots
    from experiments.tabulating import plan, records, report, tabulate
except ImportError as error:
    sys.exit(f'Error: {error}: pip install -e ".[tables]"')

GIN_FILE = flags.DEFINE_string(
    "gin_file", None, "A file in gin/, such as tables/frappe.gin, or anywhere.", required=True
)
GIN_BINDINGS = flags.DEFINE_multi_string(
    "gin_bindings", [], "Values over those of every system of the file."
)
RAW_DIR = flags.DEFINE_string("raw_dir", None, "Folder of the raw data files.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data.")
RUNS_DIR = flags.DEFINE_string("runs_dir", "runs/tables", "Folder of the runs.")
RECORDS = flags.DEFINE_string("records", records.PATH, "The records.")
RESULTS = flags.DEFINE_string("results", "experiments/results/RESULTS.md", "The report.")
ONLY = flags.DEFINE_list("only", [], "Names of the systems to run; all by default.")
TUNE = flags.DEFINE_boolean("tune", False, "Run the grids in place of the tables' runs.")
JOBS = flags.DEFINE_integer("jobs", 1, "Runs at a time, each on its share of the cores.", 1)
REPORT_ONLY = flags.DEFINE_boolean("report_only", False, "Run nothing: write the report.")


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    planned = plan.load(gin_path(GIN_FILE.value), GIN_BINDINGS.value)
    results, failures = tabulate.tabulate(
        planned,
        *(RECORDS.value, RESULTS.value, RUNS_DIR.value),
        *(ONLY.value, TUNE.value, REPORT_ONLY.value, JOBS.value),
        raw_dir=RAW_DIR.value,
        data_dir=DATA_DIR.value,
    )
    path = pathlib.Path(RESULTS.value)
    analysis = results.analysis and results.record(results.analysis)
    figures = ()
    if analysis:
        figures = plots.plot(
            analysis["analysis"], path.parent, planned.title.lower().replace(" ", "_")
        )
    report.write(path, results, _command(), figures)
    print(f"Report in {path}")
    if failures:
        sys.exit("\n".join(["Error: these runs failed:", *failures]))


def _command():
    """What writes the report again."""
    given = [f"--gin_file={GIN_FILE.value}", *(f"--gin_bindings={b}" for b in GIN_BINDINGS.value)]
    given += [f"--{f.name}={f.value}" for f in (RECORDS, RESULTS) if f.value != f.default]
    return shlex.join(["python", "-m", "experiments.tables", *given, "--report_only"])


if __name__ == "__main__":
    binary.run(main)
