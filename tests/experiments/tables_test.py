"""The binary that fills the paper's tables: one real training, recorded and reported."""

import json

import pytest

from experiments.configuration import gin_path
from experiments.tabulating import records
from experiments.tabulating.plan import load
from experiments.tabulating.tabulate import tabulate
from tests import forked

PLAN = """
from __gin__ import dynamic_registration
from experiments.tabulating import plan

plan.Plan.title = "Planted"
plan.Plan.seeds = 1
plan.Plan.systems = (
    {
        "name": "AIM(2nd)",
        "kind": "aim",
        "leaf": "quickstart.gin",
        "bindings": (
            "planted.builder.num_train = 2000",
            "planted.builder.num_valid = 500",
            "planted.builder.num_test = 500",
            "BATCH_SIZE = 500",
            "ALPHA_THRESHOLD = 0.5",
            "search_interactions/fitting.fit.epochs = 1",
            "search_dimensions/fitting.fit.epochs = 1",
            "retrain/fitting.fit.epochs = 1",
        ),
        "grid": ("LEARNING_RATE = 1e-3",),
    },
)
"""


def run(folder, *arguments):
    """The binary in a process of its own: flags of two binaries clash in one."""
    paths = {
        "gin_file": folder / "plan.gin",
        "data_dir": folder / "data",
        "runs_dir": folder / "runs",
        "records": folder / "records.jsonl",
        "results": folder / "results" / "R.md",
    }
    given = (f"--{name}={path}" for name, path in paths.items())
    return forked.run("experiments.tables", *given, *arguments)


def tabulated(folder, **values):
    """What the binary does but for its flags and the report."""
    arguments = {
        "records_path": folder / "records.jsonl",
        "results_path": folder / "results" / "R.md",
        "runs_dir": folder / "runs",
        "data_dir": str(folder / "data"),
    }
    return tabulate(load(folder / "plan.gin"), **{**arguments, **values})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    (folder / "plan.gin").write_text(PLAN)
    result = run(folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_a_training_is_recorded(folder):
    (record,) = records.read(folder / "records.jsonl")
    (log,) = (folder / "runs").rglob("seed_1.log")
    metrics = json.loads((log.with_suffix("") / "metrics.json").read_text())
    for name in ("test", "valid", "parameters"):
        assert record[name] == metrics[name]
    assert list(record["stages"]) == ["search_interactions_2", "search_dimensions", "retrain"]
    assert all(stage["epochs"] == 1 for stage in record["stages"].values())
    assert record["interactions"] == metrics["stages"][-1]["interactions"]
    assert record["fields"] == 10
    assert 0 < record["embedding_parameters"] < record["parameters"]
    assert record["inference_seconds"] > 0
    assert record["dataset"]["name"].startswith("planted/")
    assert record["machine"]["cores"] >= 1
    assert {"python", "tensorflow", "keras", "aim_keras"} <= set(record["versions"])
    assert record["command"][:4] == ["python", "-m", "experiments.train", record["command"][3]]
    assert str(folder) not in json.dumps(record)


def test_the_report_shows_it_and_what_is_missing(folder):
    (record,) = records.read(folder / "records.jsonl")
    text = (folder / "results" / "R.md").read_text()
    assert text.startswith("# Planted\n")
    assert f"| AIM | AIM(2nd) | 1 | {record['test']['auc']:.4f} |" in text
    assert "Not configured: FM, FwFM" in text
    assert "## Tuning\n\nNot run yet: the grids." in text
    assert record["dataset"]["id"] in text


def test_nothing_is_run_twice(folder):
    before = (folder / "records.jsonl").read_bytes()
    _, failures = tabulated(folder, runs_dir="/nowhere")
    assert failures == []
    assert (folder / "records.jsonl").read_bytes() == before


def test_a_report_needs_no_data(folder):
    path = folder / "results" / "R.md"
    before = path.read_bytes()
    path.unlink()
    result = run(folder, "--report_only", f"--data_dir={folder / 'nowhere'}")
    assert result.returncode == 0, result.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"only": ["AIM"]}, r"only must be of AIM\(2nd\). Received: \['AIM'\]"),
        ({"raw_dir": "raw"}, "it reads no raw_dir"),
    ],
)
def test_mistakes_are_named_and_nothing_is_lost(folder, values, message):
    before = (folder / "records.jsonl").read_bytes()
    with pytest.raises(ValueError, match=message):
        tabulated(folder, **values)
    assert (folder / "records.jsonl").read_bytes() == before


def test_what_is_no_plan_is_named():
    with pytest.raises(ValueError, match=r"frappe\.gin configures no plan"):
        load(gin_path("frappe.gin"))


def test_a_broken_record_is_named_before_anything_is_run(folder, tmp_path):
    (tmp_path / "cut.jsonl").write_text('{"kind"')
    with pytest.raises(ValueError, match=r"cut\.jsonl, line 1 is cut off"):
        tabulated(folder, records_path=tmp_path / "cut.jsonl")


def test_the_report_of_other_data_is_kept(folder, tmp_path):
    (tmp_path / "R.md").write_text("# Frappe\n")
    with pytest.raises(ValueError, match="results holds another report"):
        tabulated(folder, results_path=tmp_path / "R.md")
    assert (tmp_path / "R.md").read_text() == "# Frappe\n"
