"""AutoFeature's search as a stage, its candidates not trained, and one run of the binary."""

import json
import re
import types

import pytest

from aim_keras import Architecture
from aim_keras.pair_operations import PairOperations
from experiments import autofeature, stage
from tests.experiments.main_job import refused_here, run_here

FIELDS = ("a", "b", "c", "d", "e")
LEAF = "\n".join(
    (
        "include 'gin/base.gin'",
        "include 'gin/datasets/planted.gin'",
        "include 'gin/models/autofeature.gin'",
        "EMBEDDING_DIM = 2",
        "HIDDEN_UNITS = (4,)",
        "PAIR_UNITS = 2",
        "BUDGET = 2",
        "POPULATION = 2",
        "BATCH_SIZE = 500",
    )
)
SMALL = (
    "planted.builder.num_train=1000",
    "planted.builder.num_valid=500",
    "planted.builder.num_test=500",
)


def score(operations):
    """Products are good, concatenations better, but for those of `a`, which are bad."""
    value = {"product": 1, "concatenation": 2}
    points = sum(value.get(k, 0) * (-1 if "a" in q else 1) for k, q in operations.units(2))
    return 0.5 + points / 100


class InterruptedSearchError(Exception):
    pass


@pytest.fixture
def search(monkeypatch, tmp_path):
    """`search(seed, dies_at)` in one folder; `search.trained` are the candidates' folders."""

    def build(job, build_model, operations, kind):
        assert kind is None
        return operations

    def train(folder, job, model, fit, searching):
        assert not searching
        run.trained.append(folder.name)
        folder.mkdir(parents=True, exist_ok=True)
        if len(run.trained) == run.dies_at:
            raise InterruptedSearchError
        metrics = {"auc": score(model), "log_loss": 1 - score(model)}
        return {**metrics, "parameters": 7, "seconds": 0.5, "epochs": 2}

    def run(seed=0, dies_at=None, kind="operations", candidates=None, budget=30):
        run.trained, run.dies_at = [], dies_at
        info = types.SimpleNamespace(full_name="planted/1.0.0")
        builder = types.SimpleNamespace(fields=dict.fromkeys(FIELDS, 9), info=info)
        job = types.SimpleNamespace(builder=builder, seed=seed)
        folder = tmp_path / "search_operations"
        return autofeature.search(
            folder, job, None, None, kind, candidates, budget=budget, population=10
        )

    monkeypatch.setattr(stage, "build", build)
    monkeypatch.setattr(stage, "train", train)
    run.folder = tmp_path / "search_operations"
    return run


def test_finds_the_best_of_its_candidates(search):
    found, record, searched_dir = search()
    assert searched_dir == search.folder
    lines = (search.folder / "candidates.jsonl").read_text().splitlines()
    candidates = [json.loads(line) for line in lines]
    assert search.trained == [f"candidate_{i}" for i in range(30)]
    assert len(candidates) == 30
    assert [path.name for path in search.folder.iterdir() if path.is_dir()] == []
    best = max(candidates, key=lambda candidate: candidate["auc"])
    assert found.operations == PairOperations(FIELDS, best["operations"]).operations
    assert score(found) == best["auc"] > max(c["auc"] for c in candidates[:10])
    assert record == {
        "stage": "search_operations",
        "auc": best["auc"],
        "log_loss": best["log_loss"],
        "parameters": 7,
        "seconds": 15.0,
        "epochs": 60,
        "interactions": {"2": len(found.units(2))},
        "units": {"2": len(found.units(2))},
    }
    assert found.dataset == "planted/1.0.0"
    assert found.found_by["seed"] == 0


def test_a_finished_search_is_read(search):
    first = search()
    assert search() == first
    assert search.trained == []


@pytest.mark.parametrize("dies_at", [1, 5, 23])
def test_goes_on_where_it_was_interrupted(search, dies_at):
    with pytest.raises(InterruptedSearchError):
        search(dies_at=dies_at)
    resumed = search()
    assert search.trained == [f"candidate_{i}" for i in range(dies_at - 1, 30)]
    lines = (search.folder / "candidates.jsonl").read_text()
    (search.folder / "metrics.json").unlink()
    (search.folder / "candidates.jsonl").unlink()
    assert search() == resumed
    assert (search.folder / "candidates.jsonl").read_text() == lines


def test_candidates_of_another_search_are_refused(search):
    with pytest.raises(InterruptedSearchError):
        search(dies_at=5)
    with pytest.raises(ValueError, match=r"jsonl is of another search\. Received: line 1"):
        search(seed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "dimensions"}, "searches operations, .*kind='dimensions'"),
        ({"candidates": PairOperations(FIELDS, {})}, "these among all.*candidates=PairOperations"),
        ({"budget": 5}, "population must be from 2 to budget.*budget=5"),
    ],
)
def test_argument_errors(search, arguments, message):
    with pytest.raises(ValueError, match=message):
        search(**arguments)


def test_from_search_to_saved_model(tmp_path):
    (tmp_path / "leaf.gin").write_text(LEAF)
    metrics = run_here(tmp_path / "leaf.gin", tmp_path / "run", tmp_path / "data", *SMALL)
    stages = tmp_path / "run" / "stages"
    assert len((stages / "search_operations" / "candidates.jsonl").read_text().split("\n")) == 3
    found = PairOperations.load(stages / "search_operations" / "architecture.json")
    assert PairOperations.load(tmp_path / "run" / "architecture.json") == found
    assert metrics["stages"][-1]["units"] == {"2": len(found.units(2))}
    assert (tmp_path / "run" / "saved_model" / "1").is_dir()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (PairOperations(FIELDS, {}), "must have the fields of the data, f0, .*Received: a, b"),
        (Architecture.full(FIELDS, ["inner"], 2), "found.json is not a valid file of pair op"),
    ],
)
def test_operations_to_start_from_are_read_first(found, message, tmp_path):
    (tmp_path / "leaf.gin").write_text(LEAF)
    found.save(tmp_path / "found.json")
    error = refused_here(
        *(tmp_path / name for name in ("leaf.gin", "run", "data")),
        *SMALL,
        "pipeline.run.stages=('retrain',)",
        f"ARCHITECTURE='{tmp_path / 'found.json'}'",
    )
    assert re.search(message, error)
    assert not (tmp_path / "run").exists()
