"""Runs that are killed at any moment, and what else goes wrong in the middle of one."""

import errno
import json
import os
import shutil
import types

import gin
import pytest

from aim_keras import atomic
from experiments import data_sets, pipeline, soak
from experiments.configuration import gin_path, parse
from tests.experiments.main_job import SMALL, contents, in_this_process, refused_here, run_here

TINY = (
    "planted.builder.num_train=1500",
    "planted.builder.num_valid=500",
    "planted.builder.num_test=500",
    "FUNCTIONS=('inner',)",
    "HIDDEN_UNITS=(8,)",
    *SMALL[3:6],
    "search_interactions/fitting.fit.epochs=2",
    "search_dimensions/fitting.fit.epochs=2",
    "retrain/fitting.fit.epochs=2",
)


@pytest.mark.minutes
def test_kills_change_nothing(tmp_path):
    arguments = ["--gin_file=quickstart.gin", *(f"--gin_bindings={b}" for b in TINY)]
    result = soak.soak(arguments, tmp_path / "soak", kills=8, longest=0.5)
    assert result["kills"] == len(result["seconds"]) == 8
    assert result["same"] == result["runs"] >= 1
    assert 0 < result["auc"] < 1


def soaked(monkeypatch, tmp_path, **given):
    """The arguments of `soak.soak` that the binary makes of its flags."""
    calls = []
    result = {"kills": 1, "runs": 1, "same": 1, "auc": 0.5, "largest_difference": 0.0}
    monkeypatch.setattr(soak, "soak", lambda *arguments: calls.append(arguments) or result)
    in_this_process(soak, gin_file="frappe.gin", soak_json=str(tmp_path / "s.json"), **given)
    return calls[0]


def test_runs_are_given_the_flags_of_a_training(monkeypatch, tmp_path):
    assert soaked(monkeypatch, tmp_path)[0] == ["--gin_file=frappe.gin", "--nodeterministic"]
    arguments, _, _, seed = soaked(
        monkeypatch,
        tmp_path,
        raw_dir="my raw",
        beam_pipeline_options=["runner=DirectRunner", "x=1"],
        seed=7,
        deterministic=True,
        gin_bindings=["A = 1", "B = '2'"],
    )
    assert arguments == [
        *("--gin_file=frappe.gin", "--raw_dir=my raw"),
        *("--beam_pipeline_options=runner=DirectRunner,x=1", "--seed=7", "--deterministic"),
        *("--gin_bindings=A = 1", "--gin_bindings=B = '2'"),
    ]
    assert seed == 7


@pytest.mark.parametrize("folder", ["run_dir", "data_dir"])
def test_folders_that_no_run_would_have_are_refused(monkeypatch, tmp_path, folder):
    message = rf"must not be given: each run has its own in --folder\. Received: --{folder}=here"
    with pytest.raises(SystemExit, match=message):
        soaked(monkeypatch, tmp_path, **{folder: "here"})


def test_a_run_without_rows_of_test_is_known_by_its_groups_and_valid(tmp_path):
    (tmp_path / "run").mkdir()
    groups = {"1": [["user", "item"]]}
    found = {"format": "aim_keras.feature_groups/1", "groups": groups, "found_by": {"auc": 0.7}}
    (tmp_path / "run" / "architecture.json").write_text(json.dumps(found))
    metrics = {"test": None, "valid": {"auc": 0.75}}
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics))
    assert soak._result(tmp_path) == ({"run/architecture.json": {"groups": groups}}, 0.75)


def test_what_a_run_failed_of_is_said(tmp_path):
    (tmp_path / "log").write_text(
        "Stage: retrain\nError: no room\n(--verbosity=1 shows where ...)\n"
    )
    process = types.SimpleNamespace(join=lambda: None, exitcode=1)
    with pytest.raises(ChildProcessError, match=r"ended with 1: Error: no room$"):
        soak._ended(process, tmp_path)


def broken(run_dir, data_dir):
    """What a run that cannot end says, in this process."""
    return refused_here("quickstart.gin", run_dir, data_dir, *TINY)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The data of the tiny run."""
    folder = tmp_path_factory.mktemp("prepared")
    gin.clear_config()
    parse(gin_path("quickstart.gin"), TINY)
    dataset = gin.get_bindings(pipeline.run)["dataset"]
    data_sets.prepare(data_sets.open_data(dataset, data_dir=folder))
    return folder


def test_a_lost_data_file_is_named(prepared, tmp_path):
    data = shutil.copytree(prepared, tmp_path / "data")
    (shard,) = data.rglob("*train*tfrecord*")
    shard.unlink()
    message = broken(tmp_path / "run", data)
    assert message.startswith("Error: ")
    assert shard.name in message


def test_a_full_disk_leaves_the_last_good_state(prepared, tmp_path, monkeypatch):
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    run_dir = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        message = broken(run_dir, prepared)
    assert "No space left on device" in message
    assert not [path for path in contents(run_dir) if atomic.TEMPORARY.fullmatch(path.name)]
    (state,) = run_dir.rglob("state.json")
    content = json.loads(state.read_text())
    assert content["epoch"] == 1
    assert (state.parent / content["weights"]).exists()
    assert run_here("quickstart.gin", run_dir, prepared, *TINY)["test"]["auc"] > 0
