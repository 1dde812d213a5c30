"""From a plan to its records and its report."""

import logging

from experiments import binary
from experiments.tabulating import data, records, report, running
from experiments.tabulating.results import Results
from experiments.tabulating.runs import analysis_run, table_runs, tuning_runs


def tabulate(
    plan,
    records_path,
    results_path,
    runs_dir,
    only=(),
    tune=False,
    report_only=False,
    jobs=1,
    **folders,
):
    """Runs what a plan's tables lack, or what its tuning does.

    Args:
        plan: `Plan`.
        records_path: File of the records.
        results_path: File that the report will be written to.
        runs_dir: Folder of the runs.
        only: Names of the systems to run; none for all.
        tune: Whether the grids are run, in place of the tables' runs.
        report_only: Whether nothing is run: the report is of the data of the latest record.
        jobs: How many runs are made at a time.
        **folders: `raw_dir` and `data_dir` of the main job.

    Returns:
        The `Results`, and what failed, a line each.

    Raises:
        ValueError: on an unknown name, systems of different data sets, a broken file of records,
            or a report of another data set.
    """
    names = binary.chosen(only, [system.name for system in plan.systems])
    report.check(results_path, plan)
    recorded = records.read(records_path)
    table, tuning = table_runs(plan), tuning_runs(plan)
    analysis = analysis_run(plan, table)
    failures = []
    if report_only:
        identity = records.latest_data(recorded, [*table, *tuning])
        if left := records.of_other_data(recorded, [*table, *tuning], identity):
            logging.warning("%s: %d records are of other data than the last", records_path, left)
    else:
        builder = data.prepared(plan, **folders)
        identity = data.identity(builder)
        runs = tuning if tune else [*table, *([analysis] if analysis else [])]
        runs = [run for run in runs if run.system.name in names]
        failures = running.run_missing(
            runs, builder, identity, records_path, runs_dir, jobs, **folders
        )
    results = Results(plan, table, tuning, analysis, records.read(records_path), identity)
    return results, failures
