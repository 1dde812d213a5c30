"""What is run, in which order, and what is recorded of it; the trainings themselves are made up."""

import json
import pathlib
import shutil
import subprocess
import time
import types

import keras
import pytest

from experiments.fuzzing.runs import ANALYSIS
from experiments.tabulating import measuring, records, running
from experiments.tabulating.plan import Plan, System
from experiments.tabulating.runs import Run, analysis_run, table_runs, tuning_runs
from tests.experiments.tabulating.made_up import DATA, MACHINE, system

BUILDER = types.SimpleNamespace(fields=dict.fromkeys("abcd"))
TEST_AUC, VALID_AUC = 0.765432, 0.812345
SAYS = "Stage: retrain\nError: no room\n(--verbosity=1 shows ...)\n"


class Trainings:
    """In place of `subprocess.run`: keeps the commands, and writes what a training writes."""

    def __init__(self, fails=(), says=SAYS):
        self.commands, self.fails, self.says = [], fails, says
        self.cores, self.running, self.most_running = set(), 0, 0

    def __call__(self, command, stdout, env, **_):
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.commands.append(command[3:])
        self.cores.add(env["TF_NUM_INTRAOP_THREADS"])
        time.sleep(0.01)
        try:
            return self._run(command, stdout)
        finally:
            self.running -= 1

    def _run(self, command, stdout):
        flags = dict(flag[2:].split("=", 1) for flag in command[3:] if flag.startswith("--"))
        if any(name in flags["run_dir"] for name in self.fails):
            stdout.write(self.says)
            return subprocess.CompletedProcess(command, 1)
        folder = pathlib.Path(flags["run_dir"])
        folder.mkdir(parents=True, exist_ok=True)
        if command[2] == "experiments.analyze":
            (folder / "analysis.json").write_text(json.dumps(ANALYSIS))
            return subprocess.CompletedProcess(command, 0)
        (folder / "architecture.json").write_text("{}")
        counts = {"interactions": {"2": 3}, "units": {"2": 5}}
        valid = {"auc": VALID_AUC, "log_loss": 0.2}
        trained = {"parameters": 99, "seconds": 9.0, "epochs": 3}
        metrics = {
            "test": {"auc": TEST_AUC, "log_loss": 0.3},
            "valid": valid,
            "parameters": 99,
            "stages": [{"stage": "retrain", **valid, **trained, **counts}],
        }
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "provenance.json").write_text(json.dumps(TRAINED))
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(keras.saving, "load_model", lambda path, compile: None)
    monkeypatch.setattr(measuring, "embedding_parameters", lambda model: 42)
    monkeypatch.setattr(measuring, "inference_seconds", lambda model, builder: 0.5)


@pytest.fixture
def train(monkeypatch, tmp_path):
    def train(runs, fails=(), jobs=1, says=SAYS):
        trainings = Trainings(fails, says)
        monkeypatch.setattr(subprocess, "run", trainings)
        monkeypatch.setattr(running.provenance, "facts", lambda: NOW)
        failures = running.run_missing(
            *(runs, BUILDER, DATA, tmp_path / "r.jsonl", tmp_path, jobs),
            raw_dir="raw",
            data_dir=None,
        )
        train.last = trainings
        return trainings.commands, failures, records.read(tmp_path / "r.jsonl")

    return train


NOW = {"machine": MACHINE, "versions": {"python": "3"}, "date": "today", "commit": "c0ffee"}
TRAINED = {**NOW, "date": "before", "commit": "0ff1ce"}
AIM = system("AIM(2nd)", "aim", bindings=("ORDER = 2",))
TRANSFER = system("DeepFM+IF(2nd)", "transfer", architecture_of="AIM(2nd)")


def runs_of(*systems, seeds=2):
    return table_runs(Plan("Shop", systems, seeds=seeds))


def test_a_record_holds_what_the_tables_need(train, tmp_path):
    commands, failures, (record,) = train(runs_of(AIM, seeds=1))
    (run,) = runs_of(AIM, seeds=1)
    assert failures == []
    arguments = ["--gin_file=quickstart.gin", "--seed=1", "--gin_bindings=ORDER = 2"]
    assert commands == [[*arguments, f"--run_dir={run.folder(tmp_path, DATA)}", "--raw_dir=raw"]]
    assert record == {
        **records.key(run, DATA),
        "command": ["python", "-m", "experiments.train", *arguments],
        **TRAINED,
        "test": {"auc": TEST_AUC, "log_loss": 0.3},
        "valid": {"auc": VALID_AUC, "log_loss": 0.2},
        "parameters": 99,
        "stages": {"retrain": {"seconds": 9.0, "epochs": 3}},
        "fields": 4,
        "interactions": {"2": 3},
        "units": {"2": 5},
        "embedding_parameters": 42,
        "inference_seconds": 0.5,
    }
    assert str(tmp_path) not in json.dumps(record)


def test_what_is_recorded_is_not_run_again(train):
    first, _, _ = train(runs_of(AIM, seeds=1))
    second, _, _ = train(runs_of(AIM, seeds=2))
    third, _, recorded = train(runs_of(AIM, seeds=2))
    assert [len(commands) for commands in (first, second, third)] == [1, 1, 0]
    assert "--seed=2" in second[0]
    assert [record["seed"] for record in recorded] == [1, 2]


def test_another_configuration_is_run_anew_and_the_old_record_stays(train):
    before, _, _ = train(runs_of(AIM, seeds=1))
    changed = {**AIM, "bindings": ("ORDER = 2", "DROPOUT = 0.5")}
    after, _, recorded = train(runs_of(changed, seeds=1))
    assert len({record["configuration"] for record in recorded}) == 2
    folders = [part for part in (*before[0], *after[0]) if part.startswith("--run_dir")]
    assert len(set(folders)) == 2


def test_a_transfer_takes_the_architecture_of_the_same_seed(train, tmp_path):
    runs = runs_of(TRANSFER, AIM)
    commands, failures, recorded = train(runs)
    assert failures == []
    for command, source in zip(commands[1::2], runs[::2], strict=True):
        found = source.folder(tmp_path, DATA) / "architecture.json"
        assert f"--gin_bindings=ARCHITECTURE = '{found}'" in command
        assert f"--seed={source.seed}" in command
    assert recorded[3]["command"][-1] == "--gin_bindings=ARCHITECTURE = 'of AIM(2nd), seed 2'"


def test_jobs_run_at_a_time_on_their_share_of_the_cores(train, monkeypatch):
    monkeypatch.setattr(running.os, "cpu_count", lambda: 8)
    for name in running.THREADS:
        monkeypatch.delenv(name, raising=False)
    analysis = Run("analysis", System(**AIM), 1, runs_of(AIM)[0].configuration)
    _, failures, recorded = train([*runs_of(TRANSFER, AIM, system("FM")), analysis], jobs=3)
    assert failures == []
    assert len(recorded) == 7
    assert train.last.cores == {"2"}
    assert 1 < train.last.most_running <= 3


def test_threads_that_are_set_outside_are_kept(train, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    train(runs_of(AIM, seeds=1))
    assert train.last.cores == {"5"}


def test_a_run_whose_folder_is_lost_is_made_again_for_what_needs_it(train, tmp_path):
    aim, transfer = runs_of(TRANSFER, AIM, seeds=1)
    plan = Plan("Shop", (AIM,), seeds=1, analysed="AIM(2nd)")
    for needs_it in (transfer, analysis_run(plan, table_runs(plan))):
        train([aim])
        shutil.rmtree(aim.folder(tmp_path, DATA))
        commands, failures, recorded = train([needs_it])
        assert failures == []
        assert f"--run_dir={aim.folder(tmp_path, DATA)}" in commands[0]
        assert len(commands) == 2
        assert sum(record["kind"] == "result" for record in recorded) == 1 + (needs_it is transfer)
        (tmp_path / "r.jsonl").unlink()


def test_an_architecture_that_is_not_found_is_named(train):
    _, failures, recorded = train(runs_of(TRANSFER, AIM, seeds=1)[1:], fails=("AIM",))
    assert recorded == []
    assert "DeepFM+IF(2nd), seed 1: it takes the architecture of AIM(2nd), seed 1" in failures[1]


def test_a_run_that_fails_is_said_and_the_others_go_on(train, capsys):
    runs = runs_of(system("FM"), AIM, seeds=1)
    commands, failures, recorded = train(runs, fails=("FM-",))
    assert len(commands) == 2
    assert [record["system"] for record in recorded] == ["AIM(2nd)"]
    (failure,) = failures
    assert failure.startswith("FM, seed 1: exit status 1, Error: no room (all of it: ")
    assert failure.partition(": ")[2] in capsys.readouterr().out
    again, failures, recorded = train(runs)
    assert len(again) == 1
    assert failures == []
    assert {record["system"] for record in recorded} == {"FM", "AIM(2nd)"}


def test_a_failure_is_told_by_what_this_attempt_wrote(train, tmp_path):
    (run,) = runs_of(AIM, seeds=1)
    log = run.folder(tmp_path, DATA).with_suffix(".log")
    log.parent.mkdir(parents=True)
    log.write_text("Error: the disk is full\n")
    _, (failure,), _ = train([run], fails=("AIM",), says="Killed\n")
    assert "exit status 1, Killed (all of it: " in failure
    assert log.read_text() == "Error: the disk is full\nKilled\n"


def test_tuning_records_validation_alone(train):
    plan = Plan("Shop", ({**AIM, "grid": ("DROPOUT = 0.1", "DROPOUT = 0.2")},))
    commands, _, recorded = train(tuning_runs(plan))
    assert [command[3] for command in commands] == [
        f"--gin_bindings=DROPOUT = {rate}" for rate in (0.1, 0.2)
    ]
    for record in recorded:
        assert (record["kind"], record["seed"]) == ("tuning", 0)
        assert record["valid"]["auc"] == VALID_AUC
        assert str(TEST_AUC) not in json.dumps(record)
        assert "test" not in record
    assert [record["choice"] for record in recorded] == [["DROPOUT = 0.1"], ["DROPOUT = 0.2"]]
    assert train(tuning_runs(plan))[0] == []


def test_an_analysis_is_recorded_beside_its_run(train):
    (run,) = runs_of(AIM, seeds=1)
    analysis = Run("analysis", run.system, run.seed, run.configuration)
    _, failures, recorded = train([run, analysis])
    assert failures == []
    assert [record["kind"] for record in recorded] == ["result", "analysis"]
    assert recorded[1]["analysis"] == ANALYSIS
    assert recorded[1]["command"] == ["python", "-m", "experiments.analyze", "--run_dir=FOLDER"]
