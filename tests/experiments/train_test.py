"""The real binary, end to end."""

import importlib.util
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras import Architecture
from aim_keras.callbacks import rank_metrics
from aim_keras.datasets import pipeline, planted
from tests import forked
from tests.experiments.main_job import (
    SMALL,
    contents,
    error_of,
    killed_after,
    quickstart,
    refused_here,
    run_here,
)


def test_writes_everything_that_a_run_promises(finished):
    run_dir, stdout = finished
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert [stage["stage"] for stage in metrics["stages"]] == [
        "search_interactions_2",
        "search_dimensions",
        "retrain",
    ]
    for split in ("test", "valid"):
        assert 0.5 < metrics[split]["auc"] < 1
        assert 0 < metrics[split]["log_loss"] < 2
    assert set(metrics["planted"]) == {"2"}
    architecture = Architecture.load(run_dir / "architecture.json")
    assert architecture.dimensions is not None
    assert len(architecture.units(2)) == metrics["stages"][-1]["units"]["2"]
    for stage in ("search_interactions_2", "search_dimensions", "retrain"):
        Architecture.load(run_dir / "stages" / stage / "architecture.json")
        events = run_dir / "stages" / stage / "tensorboard"
        assert list(events.rglob("events*"))
        assert (events / "search").exists() is (stage != "retrain")
    assert "search_interactions/order_2/optimizers.GRDA.mu" in (run_dir / "config.gin").read_text()
    assert f"{metrics['test']['auc']:.5f}" in stdout
    assert "recall" in stdout


def test_saved_model_serves_the_keras_model(finished):
    run_dir, _ = finished
    model = keras.models.load_model(run_dir / "model.keras")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert sum(np.prod(v.shape) for v in model.trainable_variables) == metrics["parameters"]
    ids = np.random.default_rng(0).integers(0, 13, (50, 10)).astype("int32")
    columns = {f"f{i}": tf.constant(ids[:, i]) for i in range(10)}
    served = tf.saved_model.load(str(run_dir / "saved_model" / "1"))
    expected = tf.sigmoid(model.predict(ids, verbose=0))
    np.testing.assert_allclose(served.signatures["ids"](**columns)["ctr"], expected, atol=1e-6)


def test_results_are_those_of_the_model_on_the_rows_of_their_split(finished, data_dir):
    run_dir, _ = finished
    model = keras.models.load_model(run_dir / "model.keras")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    builder = planted.builder(data_dir, num_train=6000, num_valid=1000, num_test=1000)
    for split in ("valid", "test"):
        found = rank_metrics(model, pipeline.batches(builder, split, 500))
        assert metrics[split] == pytest.approx(found, abs=1e-5)
    entropy = pipeline.entropy(builder, "valid")
    assert metrics["constant_log_loss"] == pytest.approx(entropy, abs=1e-9)


def test_a_finished_run_is_not_run_again(finished, data_dir, capsys):
    run_dir, stdout = finished
    before = contents(run_dir)
    run_here("quickstart.gin", run_dir, data_dir, *SMALL)
    assert contents(run_dir) == before
    assert capsys.readouterr().out.splitlines()[-2] == stdout.splitlines()[-2]


def test_goes_on_where_it_was_killed_to_the_same_bits(finished, data_dir, tmp_path):
    """Killed in the second stage, and before that between the first and the second."""
    run_dir, _ = finished
    stages = tmp_path / "killed" / "stages"
    first, second = stages / "search_interactions_2", stages / "search_dimensions"
    shutil.copytree(run_dir / "stages" / first.name, first)
    for name in ("requested.gin", "config.gin"):
        shutil.copy(run_dir / name, tmp_path / "killed")
    command = quickstart(tmp_path / "killed", data_dir)
    killed_after(second / "backup" / "state.json", command, tmp_path)
    found = first / "architecture.json"
    stamp = found.stat().st_mtime_ns
    result = forked.run(*command)
    assert result.returncode == 0, result.stderr
    assert found.stat().st_mtime_ns == stamp
    found, resumed_found = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("architecture.json")}
        for folder in (run_dir, tmp_path / "killed")
    )
    assert resumed_found == found
    uninterrupted, resumed = (
        json.loads((folder / "metrics.json").read_text())["test"]
        for folder in (run_dir, tmp_path / "killed")
    )
    assert resumed == uninterrupted
    used = ((folder / "config.gin").read_text() for folder in (run_dir, tmp_path / "killed"))
    assert next(used) == next(used)


def test_a_malformed_architecture_is_named_before_anything_is_written(data_dir, tmp_path):
    other = Architecture.full(["user", "item"], ["inner"], 8, dataset="shop/1.0.0")
    broken = {
        "cut": ('{"format": "aim_keras.arch', "cut.json is not a valid architecture: "),
        "function": (json.dumps(other.to_dict() | {"interactions": {"cosine": []}}), "'cosine'"),
        "fields": (json.dumps(other.to_dict()), "Received: user, item, found on shop/1.0.0"),
    }
    for name, (content, message) in broken.items():
        path = tmp_path / f"{name}.json"
        path.write_text(content)
        job = "quickstart.gin", tmp_path / "run", data_dir, *SMALL, f"ARCHITECTURE='{path}'"
        assert message in refused_here(*job)
        assert not (tmp_path / "run").exists()


def test_another_architecture_in_the_same_file_is_another_configuration(data_dir, tmp_path):
    path, run_dir = tmp_path / "found.json", tmp_path / "run"
    job = "quickstart.gin", run_dir, data_dir, *SMALL, f"ARCHITECTURE='{path}'"
    fields = [f"f{i}" for i in range(10)]
    triple = {"inner": [fields[:3]]}
    Architecture(fields, ["inner"], 8, triple).save(path)
    assert "order must be at least that of the architecture" in refused_here(*job)
    assert not run_dir.exists()
    Architecture.full(fields, ["inner"], 8).save(path)
    (run_dir / "stages").mkdir(parents=True)
    (run_dir / "requested.gin").write_text("of another architecture")
    error = refused_here(*job, seed=3)
    assert "another configuration" in error
    assert "\n+# Data: planted/" in error
    assert "\n+# Seed: 3\n" in error
    assert '"inner": [["f0", "f1"]' in error


def test_a_folder_in_which_no_stage_began_is_any_configurations(data_dir, tmp_path):
    (tmp_path / "requested.gin").write_text("of another configuration")
    stages = "pipeline.run.stages=('retrain',)", "retrain/fitting.fit.epochs=1"
    run_here("quickstart.gin", tmp_path, data_dir, *SMALL, *stages)
    assert "('retrain',)" in (tmp_path / "requested.gin").read_text()


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (("EMBEDDING_DIM=9",), "another configuration"),
        (("pipeline.run.seed=3",), "another configuration"),
        (("models.DeepFM.embeding_dim=9",), "embeding_dim"),
        (("model.Deepfm.embedding_dim=9",), "model.Deepfm"),
        (("pipeline.run.stages=('retrian',)",), "stages must be of"),
        (("pipeline.run.architecture='none.json'",), "none.json"),
        (("planted.builder.vocabulary=(0, 5)",), "vocabulary"),
        (("planted.builder.seed=-1",), "seed"),
    ],
)
def test_a_mistake_is_named_and_leaves_the_run_alone(finished, data_dir, bindings, message):
    run_dir, _ = finished
    before = contents(run_dir)
    error = refused_here("quickstart.gin", run_dir, data_dir, *SMALL, *bindings)
    assert error.startswith("Error:")
    assert message in error
    assert contents(run_dir) == before


def test_apache_beam_is_asked_for_raw_files_and_must_be_there(tmp_path):
    folders, options = (tmp_path / "run", tmp_path / "data"), ["runner=DirectRunner"]
    error = refused_here("quickstart.gin", *folders, beam_pipeline_options=options)
    there = importlib.util.find_spec("apache_beam") is not None
    assert ("planted, which is generated" if there else "pip install 'aim_keras[beam]'") in error
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_in_is_told_before_data_are_prepared(tmp_path):
    (tmp_path / "file").write_text("")
    folders = {"run_dir": str(tmp_path / "file" / "run"), "data_dir": str(tmp_path / "data")}
    error = error_of(gin_file="quickstart.gin", **folders)
    assert "A folder must be one that can be written in. Received: " in error
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("gin_file", "messages"),
    [
        ("quickstrat.gin", ("quickstrat.gin", "quickstart.gin")),
        ("frappe.gin", ("train.csv",)),
        ("movielens.gin", ("train.csv",)),
        ("criteo.gin", ("day_6",)),
        ("avazu.gin", ("train",)),
        ("quickstart.gin", ("it reads no raw_dir",)),
    ],
)
def test_missing_files_are_named(gin_file, messages, tmp_path):
    run_dir = tmp_path / "run"
    error = refused_here(gin_file, run_dir, tmp_path / "data", raw_dir=str(tmp_path))
    assert error.startswith("Error:")
    assert all(message in error for message in messages)
    assert not run_dir.exists()


def test_every_argument_is_a_flag():
    assert "stray" in error_of("stray", gin_file="quickstart.gin")
