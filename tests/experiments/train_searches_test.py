"""The main job's options of a search, and what is found in another run."""

import json

import pytest

from aim_keras import Architecture
from aim_keras.search import random_architecture
from experiments import request
from tests.experiments.main_job import SMALL, refused_here, run_here

pytestmark = pytest.mark.usefixtures("without_export_and_report")


def quickstart_here(run_dir, data_dir, *bindings):
    return run_here("quickstart.gin", run_dir, data_dir, *SMALL, *bindings)


def test_trains_without_any_interaction_where_all_were_pruned(data_dir, tmp_path, caplog, capsys):
    metrics = quickstart_here(tmp_path / "run", data_dir, "ALPHA_THRESHOLD=9")
    assert "Every interaction was pruned" in caplog.text
    assert "Nothing to search" in capsys.readouterr().out
    assert metrics["stages"][-1]["units"] == {}
    assert set(metrics["planted"]["2"].values()) == {0.0}
    assert metrics["test"]["auc"] > 0.5


def test_retraining_starts_from_the_searched_weights_if_asked(data_dir, tmp_path):
    """Nothing is trained, so the model is as good as the searched one."""
    bindings = (
        "pipeline.run.warm_start=True",
        "retrain/Adam.learning_rate=0.0",
        "retrain/models.DeepFM.hidden_units=()",
        "retrain/models.DeepFM.gated=False",
    )
    searched, started = quickstart_here(tmp_path / "run", data_dir, *bindings)["stages"][-2:]
    assert searched["auc"] > 0.55
    assert started["auc"] == pytest.approx(searched["auc"], abs=1e-5)
    assert started["log_loss"] == pytest.approx(searched["log_loss"], abs=1e-5)
    assert started["parameters"] < searched["parameters"]


def test_a_warm_start_without_a_search_is_refused(data_dir, tmp_path):
    bindings = "pipeline.run.warm_start=True", "pipeline.run.stages=('retrain',)"
    error = refused_here("quickstart.gin", tmp_path / "run", data_dir, *SMALL, *bindings)
    assert "warm_start needs a search before the re-training" in error
    assert not (tmp_path / "run").exists()


def test_every_option_of_a_search_at_once(data_dir, tmp_path):
    bindings = (
        "ORDER=3",
        "FUNCTIONS=('inner', 'vector_kernel')",
        "stage.search.seeds=(0, 1)",
        "pipeline.run.warm_start=True",
        "stage.search.consensus_share=0.5",
        "stage.search.front_points=2",
        "search_interactions/order_3/stage.search.max_interactions=4",
        "search_dimensions/stage.search.max_parameters=6000",
        "search.grow.top_k=2",
    )
    (tmp_path / "leaf.gin").write_text(
        "from __gin__ import dynamic_registration\n"
        "import keras.losses\n"
        "from experiments import fitting\n"
        "include 'gin/quickstart.gin'\n"
        "fitting.fit.loss = @keras.losses.BinaryFocalCrossentropy\n"
    )
    results = run_here(tmp_path / "leaf.gin", tmp_path / "run", data_dir, *SMALL, *bindings)
    stages = tmp_path / "run" / "stages"
    names = ["search_interactions_2", "search_interactions_3", "search_dimensions"]
    assert [record["stage"] for record in results["stages"]] == [*names, "retrain"]
    for name in names:
        found = [Architecture.load(stages / name / f"seed_{s}/architecture.json") for s in (0, 1)]
        agreed = Architecture.load(stages / name / "architecture.json")
        assert agreed.orders
        for order in agreed.orders:
            units = [set(one.units(order)) for one in found]
            assert units[0] & units[1] <= set(agreed.units(order)) <= units[0] | units[1]
        shares = json.loads((stages / name / "frequencies.json").read_text())
        assert {share["share"] for share in shares} <= {0.5, 1.0}
        front = json.loads((stages / name / "seed_1" / "front.json").read_text())
        assert front[0]["embedding_parameters"] >= front[1]["embedding_parameters"]
        if name == "search_interactions_3":
            assert all(len({q for _, q in one.units(3)}) <= 4 for one in found)
        if name == "search_dimensions":
            sizes = {f"f{i}": n + 1 for i, n in enumerate((12, 16, 20, 24, 28, 32, 36, 40, 20, 30))}
            assert all(one.embedding_parameters(sizes) <= 6000 for one in found)


def test_an_architecture_goes_into_another_run(finished, data_dir, tmp_path):
    found = finished[0] / "architecture.json"
    bindings = ("pipeline.run.stages=('retrain',)", f"ARCHITECTURE='{found}'")
    quickstart_here(tmp_path / "run", data_dir, *bindings)
    assert Architecture.load(tmp_path / "run" / "architecture.json") == Architecture.load(found)


def test_an_architecture_goes_to_data_of_more_fields_in_another_order(data_dir, tmp_path, capsys):
    fields = [f"f{i}" for i in range(10)]
    pairs = [("f1", "f4"), ("f2", "f8")]
    Architecture(fields[:0:-1], ["inner"], 8, {"inner": pairs}).save(tmp_path / "found.json")
    given = f"ARCHITECTURE='{tmp_path / 'found.json'}'", "pipeline.run.stages=('retrain',)"
    run_here("quickstart.gin", tmp_path / "run", data_dir, *SMALL, *given)
    assert "Fields in no interaction of the architecture: f0\n" in capsys.readouterr().out
    trained = Architecture.load(tmp_path / "run" / "architecture.json")
    assert list(trained.fields) == fields
    assert trained.interactions == {"inner": tuple(pairs)}


def test_of_a_field_that_is_gone_nothing_else_is_said(capsys):
    found = Architecture(["f0", "f1", "f2"], ["inner"], 2, {"inner": [("f0", "f2")]})
    with pytest.raises(ValueError, match=r"among those of the data, f0, f1.*Received: f2"):
        request.on_fields(found, ("f0", "f1"))
    assert not capsys.readouterr().out


def test_a_random_architecture_of_the_same_size_goes_into_another_run(finished, data_dir, tmp_path):
    found = finished[0] / "architecture.json"
    (tmp_path / "random.gin").write_text(
        "from __gin__ import dynamic_registration\n"
        "from aim_keras import search\n"
        "from experiments import pipeline\n"
        "include 'gin/quickstart.gin'\n"
        "pipeline.run.stages = ('retrain',)\n"
        "pipeline.run.draw = @search.random_architecture\n"
    )
    bindings = (*SMALL, f"ARCHITECTURE='{found}'", "retrain/fitting.fit.epochs=1")
    metrics = run_here(tmp_path / "random.gin", tmp_path / "run", data_dir, *bindings, seed=7)
    trained = Architecture.load(tmp_path / "run" / "architecture.json")
    assert trained == random_architecture(Architecture.load(found), seed=7)
    assert metrics["stages"][-1]["epochs"] == 1


def test_a_random_architecture_needs_one_to_be_like(tmp_path):
    folders = tmp_path / "run", tmp_path / "data"
    error = refused_here("runs/frappe_control_random.gin", *folders)
    assert "draw needs an architecture. Received: architecture=None" in error
    assert not (tmp_path / "run").exists()
