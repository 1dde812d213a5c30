"""Re-runs of the leaderboard's models, by a library that is made up."""

import json
import sys

import numpy as np
import pytest

from aim_keras.datasets import planted
from aim_keras.datasets.pipeline import batches
from aim_keras.fields import Field
from experiments.benchmarks.peer_process import PeerError
from experiments.tabulating import records, rerunning
from experiments.tabulating.performance import table_of_reruns
from experiments.tabulating.plan import Plan
from experiments.tabulating.results import Results
from tests.experiments.tabulating.made_up import DATA, system

LIBRARY = """
import json, pathlib, sys
import numpy as np
checkout, folder = map(pathlib.Path, sys.argv[1:])
request = json.loads((folder / "request.json").read_text())
rows = {split: np.load(folder / f"{split}.npz") for split in ("train", "valid", "test")}
assert request["options"] == {"units": [4]}, request
metrics = {"auc": float(rows["test"]["labels"].mean()), "log_loss": request["seed"] / 10}
result = {"versions": {"library": checkout.name}, "seconds": 1.0, "epochs": 2, "parameters": 3}
shapes = [rows["train"]["ids"].shape, list(request["sizes"]), request["batch_size"]]
result |= {"valid": metrics, "test": metrics, "shapes": shapes}
(folder / "result.json").write_text(json.dumps(result))
"""
RERUN = {"name": "DCNv2", "model": "DCNv2", "published": "DCN-V2", "options": {"units": [4]}}


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    builder = planted.builder(folder, num_train=300, num_valid=100, num_test=100)
    builder.download_and_prepare()
    return builder


def rerun(builder, plan, path, seeds, script="none.py"):
    reruns = [(one, seed) for seed in seeds for one in plan.reruns]
    rerunning.rerun_missing(reruns, builder, DATA, path, [sys.executable, str(script), "7.0"])
    return records.read(path)


def test_what_lacks_is_trained_on_all_rows_and_shown(builder, tmp_path, capsys):
    script = tmp_path / "library.py"
    script.write_text(LIBRARY)
    plan = Plan("Shop", (system("FM"),), leaderboard="Frappe_x1", reruns=(RERUN,))
    path = tmp_path / "records.jsonl"
    assert [record["seed"] for record in rerun(builder, plan, path, [1], script)] == [1]
    recorded = rerun(builder, plan, path, [1, 2], script)
    assert [record["seed"] for record in recorded] == [1, 2]
    assert capsys.readouterr().out.count("DCNv2, seed 1") == 1
    assert recorded[1]["shapes"] == [[300, 10], list(builder.fields), 4096]
    assert recorded[1]["versions"]["library"] == "7.0"
    labels = np.concatenate([y for _, y in batches(builder, "test", 100).as_numpy_iterator()])
    assert recorded[1]["test"]["auc"] == pytest.approx(labels.mean())

    auc = np.mean([record["test"]["auc"] for record in recorded])
    shown = table_of_reruns(Results(plan, [], [], None, recorded, DATA))[0].splitlines()[-1]
    assert shown.startswith(f"| DCNv2 | 2 | {auc:.4f} ± 0.0000 | 0.1500 ± 0.07")
    assert shown.endswith("| 0.9845 / 0.1491 |")
    other = Plan("Shop", (system("FM"),), reruns=({**RERUN, "options": {"units": [8]}},))
    assert Results(other, [], [], None, recorded, DATA).reruns(other.reruns[0]) == []


def test_a_library_that_fails_is_quoted_and_nothing_recorded(builder, tmp_path):
    script = tmp_path / "library.py"
    script.write_text("raise SystemExit('no memory')")
    plan = Plan("Shop", (system("FM"),), reruns=(RERUN,))
    with pytest.raises(PeerError, match="DCNv2 ended with 1: no memory"):
        rerun(builder, plan, tmp_path / "records.jsonl", [1], script)
    assert not (tmp_path / "records.jsonl").exists()


@pytest.mark.parametrize("field", [Field(5, length=2), Field(5, table="shared")])
def test_a_rerun_has_no_lists_and_no_shared_table(builder, monkeypatch, field):
    plan = Plan("Shop", (system("FM"),), reruns=(RERUN,))
    monkeypatch.setattr(type(builder), "fields", {"genres": field})
    with pytest.raises(ValueError, match=r"categorical fields alone, .* Received: \['genres'\]"):
        rerun(builder, plan, "none.jsonl", [1])


def test_the_script_is_there():
    assert (rerunning.SCRIPTS / "train_fuxictr.py").is_file()


def test_settings_make_the_configuration():
    (one, other) = Plan(
        "Shop", (system("FM"),), reruns=(RERUN, {**RERUN, "name": "b", "batch_size": 10})
    ).reruns
    assert one.configuration != other.configuration
    assert json.loads(json.dumps(one.settings))["batch_size"] == 4096
