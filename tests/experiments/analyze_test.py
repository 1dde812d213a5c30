"""The analysis of a run, end to end."""

import dataclasses
import json

import gin
import pytest

from aim_keras import Architecture
from experiments import analysis, pipeline
from experiments.analysis import analyze
from tests import forked
from tests.experiments.main_job import run_here

SMALL = (
    "planted.builder.num_train=20_000",
    "planted.builder.num_valid=2000",
    "planted.builder.num_test=2000",
    "planted.builder.main_strength=0.0",
    "BATCH_SIZE=500",
    "search_interactions/fitting.fit.epochs=2",
    "search_dimensions/fitting.fit.epochs=1",
    "retrain/fitting.fit.epochs=1",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run_dir, data_dir = folder / "run", folder / "data"
    run_here("quickstart.gin", run_dir, data_dir, *SMALL)
    return run_dir, data_dir


def test_planted_interactions_are_on_top_and_the_analysis_is_that_of_the_run(finished):
    run_dir, data_dir = finished
    folders = f"--run_dir={run_dir}", f"--data_dir={data_dir}"
    result = forked.run("experiments.analyze", *folders, "--top=6")
    assert result.returncode == 0, result.stderr
    content = json.loads((run_dir / "analysis.json").read_text())
    assert (content["order"], content["split"]) == (2, "valid")
    found = Architecture.load(run_dir / "architecture.json")
    planted = {("f0", "f1"), ("f2", "f5"), ("f1", "f3"), ("f4", "f6"), ("f0", "f7"), ("f3", "f6")}
    assert {tuple(q) for q in content["top"]["statistics"]} == planted
    assert {tuple(q) for q in content["top"]["alpha"]} == planted
    assert content["top"]["overlap"] == 1
    assert sum(content["function_frequency"]["2"].values()) == pytest.approx(1)
    assert len(content["interactions"]) == 45
    assert content["alpha_rank_correlation"] > 0.3
    assert sum(row["interactions"] for row in content["functions_by_statistics"].values()) == 45
    sizes = {row["field"]: row["vocabulary_size"] for row in content["dimensions"]}
    stored = sum(row["vocabulary_size"] * row["dimension"] for row in content["dimensions"])
    assert stored == found.embedding_parameters(sizes, read_embeddings=False)
    importance = {row["field"]: row["importance"] for row in content["dimensions"]}
    assert set(importance) == {f"f{i}" for i in range(10)}
    assert max(importance["f8"]["auc"], importance["f9"]["auc"]) < importance["f1"]["auc"]
    assert importance["f1"]["log_loss"] > 0
    assert "f0 x f1" in result.stdout
    assert "Of the top 6 by alpha, 100%" in result.stdout


def test_counts_are_the_same_in_any_number_of_passes(finished):
    run_dir, data_dir = finished
    once = analyze(run_dir, data_dir=data_dir)
    assert analyze(run_dir, data_dir=data_dir, interactions_per_pass=20) == once
    test = analyze(run_dir, data_dir=data_dir, split="test")
    assert test["interactions"] != once["interactions"]


@pytest.mark.usefixtures("without_export_and_report")
def test_retrains_both_top_interactions_at_the_same_cost(finished, capsys):
    run_dir, data_dir = finished
    analyze(run_dir, data_dir=data_dir, top=3, retrain=True)
    content = json.loads((run_dir / "analysis.json").read_text())
    folder = run_dir / "analysis" / "order_2_top_3"
    for name in ("alpha", "statistics"):
        architecture = Architecture.load(folder / name / "architecture.json")
        assert architecture == Architecture.load(folder / f"{name}.json")
        kept = set(map(tuple, content["top"][name]))
        assert set(architecture.units(2)) == {(k, q) for k in content["functions"] for q in kept}
        metrics = json.loads((folder / name / "metrics.json").read_text())
        assert content["retrained"][name] == {
            key: metrics[key] for key in ("valid", "test", "parameters")
        }
        assert "planted.builder.main_strength = 0.0" in (folder / name / "config.gin").read_text()
    assert "Re-trained with the top interactions" in capsys.readouterr().out
    assert analyze(run_dir, data_dir=data_dir, top=3)["retrained"] == content["retrained"]
    assert "retrained" not in analyze(run_dir, data_dir=data_dir, top=4)


def test_retrains_what_is_on_top_where_the_run_drew_what_it_searched(tmp_path, monkeypatch):
    (tmp_path / "requested.gin").write_text(
        "from __gin__ import dynamic_registration\n\nfrom aim_keras import search\n"
        "from experiments import pipeline\n\npipeline.run.draw = @search.random_architecture\n"
    )
    top, job, found = Architecture.full("abc", ["inner"], 4), pipeline.run, []

    def run(folder):
        bindings = gin.get_bindings(job)
        found.append((bindings["draw"], Architecture.load(bindings["architecture"])))
        return dict.fromkeys(("valid", "test", "parameters"))

    configurable = gin.get_configurable
    monkeypatch.setattr(gin, "get_configurable", lambda f: run if f is job else configurable(f))
    analysis._retrain(tmp_path, tmp_path / "analysis" / "alpha", top, {})
    assert found == [(None, top)]


def test_a_mistake_is_named_and_leaves_the_analysis_alone(finished, tmp_path):
    run_dir, data_dir = finished
    (run_dir / "analysis.json").write_text("as it was")
    for values, message in (
        ({"order": 3}, "searched interactions of order 3"),
        ({"top": 46}, "Received: n=46"),
        ({"top": 0}, "Received: n=0"),
        ({"split": "test", "retrain": True}, "nothing is chosen on test"),
        ({"interactions_per_pass": 0}, "interactions_per_pass must be an integer >= 1"),
        ({"raw_dir": "raw"}, "it reads no raw_dir"),
    ):
        with pytest.raises(ValueError, match=message):
            analyze(run_dir, data_dir=data_dir, **values)
    assert (run_dir / "analysis.json").read_text() == "as it was"
    with pytest.raises(ValueError, match=r"must hold a finished run.*without metrics\.json"):
        analyze(tmp_path)
    assert not list(tmp_path.iterdir())


def test_refuses_other_data_than_those_of_the_run(finished, tmp_path):
    run_dir, data_dir = finished
    for path in [run_dir / "requested.gin", *run_dir.rglob("*.json")]:
        copy = tmp_path / "copy" / path.relative_to(run_dir)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    found = tmp_path / "copy" / "architecture.json"
    dataclasses.replace(Architecture.load(found), dataset="another/1.0.0").save(found)
    with pytest.raises(ValueError, match=r"of the run, another/1.0.0. Received: planted/"):
        analyze(tmp_path / "copy", data_dir=data_dir)


def test_interactions_of_lists_alone_have_nothing_to_count(finished, monkeypatch):
    run_dir, data_dir = finished
    monkeypatch.setattr(analysis, "_columns_of_one_id", lambda fields: {"f0": 0})
    with pytest.raises(ValueError, match=r"an interaction of order 2 among fields of one id.*: f0"):
        analyze(run_dir, data_dir=data_dir)
