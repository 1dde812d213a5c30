"""What is run for the tables, and what for the tuning."""

import pytest

from experiments.tabulating import tabulate
from experiments.tabulating.plan import Plan
from tests.experiments.tabulating.made_up import DATA, system


@pytest.mark.parametrize(
    ("only", "tune", "asked"),
    [
        ((), False, [("result", "FM"), ("result", "AIM"), ("analysis", "AIM")]),
        (["FM"], False, [("result", "FM")]),
        (["FM"], True, [("tuning", "FM")]),
        (["AIM"], True, []),
    ],
)
def test_only_the_systems_that_are_named_are_run(tmp_path, monkeypatch, only, tune, asked):
    def run_missing(runs, *given, **folders):
        assert [(run.kind, run.system.name) for run in runs] == asked
        return ["one failed"]

    monkeypatch.setattr(tabulate.data, "prepared", lambda plan: None)
    monkeypatch.setattr(tabulate.data, "identity", lambda builder: DATA)
    monkeypatch.setattr(tabulate.running, "run_missing", run_missing)
    systems = system("FM", grid=("LEARNING_RATE = 1e-2",)), system("AIM", "aim")
    plan = Plan("Shop", systems, seeds=1, analysed="AIM")
    paths = (tmp_path / name for name in ("records.jsonl", "R.md", "runs"))
    results, failures = tabulate.tabulate(plan, *paths, only, tune)
    assert (results.data, failures) == (DATA, ["one failed"])
