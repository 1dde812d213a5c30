"""The binary that fills the paper's tables: one real training, recorded and reported."""

import json

import gin
import pytest
from absl import flags
from absl.testing import flagsaver

from experiments import tables as binary
from experiments.tabulating import records

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


def run(folder, *arguments, **values):
    """Runs the binary in this process; what it ends with."""
    paths = {
        "gin_file": str(folder / "plan.gin"),
        "data_dir": str(folder / "data"),
        "runs_dir": str(folder / "runs"),
        "records": str(folder / "records.jsonl"),
        "results": str(folder / "results" / "R.md"),
    }
    flags.FLAGS.mark_as_parsed()
    gin.clear_config()
    with flagsaver.flagsaver(**{**paths, **values}):
        binary.main(["tables", *arguments])


def error_of(folder, *arguments, **values):
    with pytest.raises((SystemExit, Exception)) as caught:
        run(folder, *arguments, **values)
    return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    (folder / "plan.gin").write_text(PLAN)
    run(folder)
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
    assert "`LEARNING_RATE = 1e-3`: not run yet" in text
    assert record["dataset"]["id"] in text


def test_nothing_is_run_twice_nor_for_a_report(folder):
    paths = [folder / "records.jsonl", folder / "results" / "R.md"]
    before = [path.read_bytes() for path in paths]
    run(folder)
    assert [path.read_bytes() for path in paths] == before
    paths[1].unlink()
    run(folder, report_only=True, data_dir=str(folder / "nowhere"))
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"only": ["AIM"]}, "Error: only must be of AIM(2nd). Received: ['AIM']"),
        ({"raw_dir": "raw"}, "it reads no raw_dir"),
        ({"gin_file": "tables/frape.gin"}, "gin_file must be a file"),
        ({"gin_file": "frappe.gin"}, "frappe.gin configures no plan"),
    ],
)
def test_mistakes_are_named_and_nothing_is_lost(folder, values, message):
    before = (folder / "records.jsonl").read_bytes()
    assert message in error_of(folder, **values)
    assert (folder / "records.jsonl").read_bytes() == before


def test_a_broken_record_is_named_before_anything_is_run(folder, tmp_path):
    (tmp_path / "cut.jsonl").write_text('{"kind"')
    message = error_of(folder, records=str(tmp_path / "cut.jsonl"))
    assert "cut.jsonl, line 1 is cut off" in message


def test_the_report_of_other_data_is_kept(folder, tmp_path):
    (tmp_path / "R.md").write_text("# Frappe\n")
    assert "results holds another report" in error_of(folder, results=str(tmp_path / "R.md"))
    assert (tmp_path / "R.md").read_text() == "# Frappe\n"


def test_every_argument_is_a_flag(folder):
    assert "stray" in error_of(folder, "stray")
