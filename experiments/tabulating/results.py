"""The records that a plan's tables are made of."""

import dataclasses

from experiments.tabulating import records
from experiments.tabulating.plan import Plan
from experiments.tabulating.runs import Run


@dataclasses.dataclass(frozen=True)
class Results:
    """The records of a plan's configurations on one data set.

    Args:
        plan: `Plan`.
        table: Its `runs.table_runs`.
        tuning: Its `runs.tuning_runs`.
        analysis: Its `runs.analysis_run`, or `None`.
        all_records: All records of the file.
        data: `data.identity` of the data set, or `None` where nothing is recorded.
    """

    plan: Plan
    table: list[Run]
    tuning: list[Run]
    analysis: Run | None
    all_records: list[dict]
    data: dict | None

    def record(self, run):
        """The record of a run, or `None`."""
        return records.find(self.all_records, run, self.data)

    def of(self, name):
        """The records of a system, one a seed."""
        found = (self.record(run) for run in self.table if run.system.name == name)
        return [record for record in found if record is not None]

    def reruns(self, rerun):
        """The records of a `plan.Rerun`, the last one of each seed."""
        found = records.matching(self.all_records, records.rerun_key(rerun, self.data))
        return list({record["seed"]: record for record in found}.values())

    def values(self, name, *keys):
        """A value of each of a system's records, such as `"test", "auc"`."""
        return [_within(record, keys) for record in self.of(name)]

    def missing(self, names):
        """What lacks of these systems, as sentences; empty where nothing does."""
        unlisted, incomplete = [], []
        for name in dict.fromkeys(names):
            runs = [run for run in self.table if run.system.name == name]
            seeds = [str(run.seed) for run in runs if self.record(run) is None]
            if not runs:
                unlisted.append(name)
            elif len(seeds) == len(runs):
                incomplete.append(name)
            elif seeds:
                incomplete.append(f"{name} (seed{'s' * (len(seeds) > 1)} {', '.join(seeds)})")
        parts = {"Not run yet": incomplete, "Not configured": unlisted}
        return " ".join(f"{what}: {', '.join(names)}." for what, names in parts.items() if names)

    @property
    def used(self):
        """All records that the report shows."""
        runs = [*self.table, *self.tuning, *([self.analysis] if self.analysis else [])]
        of_runs = [record for run in runs if (record := self.record(run)) is not None]
        return of_runs + [record for rerun in self.plan.reruns for record in self.reruns(rerun)]


def _within(record, keys):
    for key in keys:
        record = record[key]
    return record
