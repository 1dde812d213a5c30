"""The main job with other models and other kinds of fields."""

import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.callbacks import Resume
from aim_keras.datasets import movielens100k, pipeline
from aim_keras.feature_groups import FeatureGroups
from experiments.analysis import analyze
from tests.experiments.main_job import SMALL, refused_here, run_here

LR = ("include 'gin/quickstart.gin'", "include 'gin/models/lr.gin'")
AUTOGROUP = (
    "include 'gin/quickstart.gin'",
    "include 'gin/models/autogroup.gin'",
    "EMBEDDING_DIM = (4, 4)",
    "NUM_GROUPS = (2, 6)",
    "TEMPERATURE = 0.5",
    "GROUP_LEARNING_RATE = 1.0",
    "HIDDEN_UNITS = (16,)",
    "search_groups/fitting.fit.epochs=2",
)
STRINGS = ("user", "item", "gender", "occupation", "zip")
NUMBERS = ("age", "release_year")


def test_lists_and_numbers_from_raw_rows_to_a_saved_model(tmp_path):
    rng = np.random.default_rng(0)
    header = "label,user,item,age,gender,occupation,zip,release_year,genres,timestamp"
    for split, rows in {"train": 200, "valid": 40, "test": 40}.items():
        lines = [header]
        for label, age, n in rng.integers(0, (2, 60, 4), (rows, 3)):
            genres = "|".join(rng.choice(["War", "Crime", "Comedy"], n, replace=False))
            lines.append(f"{label},{age % 9},{age % 7},{age},F,none,1,19{age + 20},{genres},0")
        (tmp_path / f"{split}.csv").write_text("\n".join(lines) + "\n")
    bindings = (
        "movielens100k.builder.numerical='dense'",
        "BATCH_SIZE=50",
        "ALPHA_THRESHOLD=0.1",
        "pipeline.run.stages=('search_interactions', 'retrain')",
        "search_interactions/fitting.fit.epochs=1",
        "retrain/fitting.fit.epochs=1",
    )
    folders = tmp_path / "run", tmp_path / "data"
    run_here("movielens.gin", *folders, *bindings, raw_dir=str(tmp_path))
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert [tensor.shape for tensor in model.inputs] == [(None, 13), (None, 2)]
    with open(tmp_path / "test.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    prepared = movielens100k.builder(data_dir=tmp_path / "data", numerical="dense")
    (features, _), *_ = pipeline.batches(prepared, "test", len(rows))
    served = tf.saved_model.load(tmp_path / "run" / "saved_model" / "1")
    ctr = served.signatures["serving_default"](
        **{name: tf.constant([row[name] for row in rows]) for name in STRINGS},
        **{name: tf.constant([float(row[name]) for row in rows], tf.float64) for name in NUMBERS},
        genres=tf.constant([[row["genres"]] for row in rows]),
    )["ctr"]
    np.testing.assert_allclose(ctr, tf.sigmoid(model(list(features))), rtol=0, atol=1e-6)
    ranked = analyze(tmp_path / "run", raw_dir=str(tmp_path), data_dir=str(tmp_path / "data"))[
        "top"
    ]
    assert {len(ranked[name]) for name in ("alpha", "statistics")} == {ranked["n"]}
    assert not {"genres", "age", "release_year"} & {f for q in ranked["alpha"] for f in q}


def test_a_model_without_a_search_is_trained_and_exported(data_dir, tmp_path):
    (tmp_path / "lr.gin").write_text("\n".join((*LR, *SMALL)))
    metrics = run_here(tmp_path / "lr.gin", tmp_path / "run", data_dir)
    assert [stage["stage"] for stage in metrics["stages"]] == ["retrain"]
    assert not list((tmp_path / "run").rglob("architecture.json"))
    assert metrics["parameters"] == 12 + 16 + 20 + 24 + 28 + 32 + 36 + 40 + 20 + 30 + 10 + 1
    assert (tmp_path / "run" / "saved_model" / "1").is_dir()


def test_a_model_that_is_trained_in_bfloat16_is_served_in_float32(data_dir, tmp_path):
    given = "DTYPE_POLICY='mixed_bfloat16'", "pipeline.run.stages=('retrain',)"
    run_here("quickstart.gin", tmp_path / "run", data_dir, *SMALL, *given)
    keras.config.set_dtype_policy("float32")
    trained = keras.models.load_model(tmp_path / "run" / "model.keras")
    whole = type(trained).from_config(trained.get_config() | {"dtype": "float32"})
    whole.set_weights(trained.get_weights())
    ids = np.random.default_rng(0).integers(0, 13, (50, 10)).astype("int32")
    columns = {f"f{i}": tf.constant(ids[:, i]) for i in range(10)}
    served = tf.saved_model.load(str(tmp_path / "run" / "saved_model" / "1"))
    ctr = served.signatures["ids"](**columns)["ctr"]
    np.testing.assert_allclose(ctr, tf.sigmoid(whole(ids)), rtol=0, atol=1e-6)
    assert np.abs(ctr - tf.sigmoid(trained(ids))).max() > 1e-5


@pytest.mark.usefixtures("without_export_and_report")
def test_a_model_with_a_search_of_its_own_goes_on_where_it_ended(data_dir, tmp_path, monkeypatch):
    path, run_dir = tmp_path / "autogroup.gin", tmp_path / "run"
    path.write_text("\n".join((*AUTOGROUP, *SMALL)))
    searched, trained = (run_dir / "stages" / name for name in ("search_groups", "retrain"))

    def end(resume, epoch, logs=None):
        if epoch == 1 and resume.backup_dir.is_relative_to(trained):
            raise OSError("No power")

    with monkeypatch.context() as patch:
        patch.setattr(Resume, "on_epoch_begin", end)
        assert "No power" in refused_here(path, run_dir, data_dir)
    assert json.loads((trained / "backup" / "state.json").read_text())["epoch"] == 1
    stamp = (searched / "architecture.json").stat().st_mtime_ns
    metrics = run_here(path, run_dir, data_dir)
    assert (searched / "architecture.json").stat().st_mtime_ns == stamp
    assert [stage["stage"] for stage in metrics["stages"]] == ["search_groups", "retrain"]
    found = FeatureGroups.load(searched / "architecture.json")
    assert 0 < len(found.units(2)) == metrics["stages"][-1]["units"]["2"]
    assert FeatureGroups.load(tmp_path / "run" / "architecture.json") == found
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert model.architecture.groups == found.groups
    assert "planted" not in metrics

    given = f"ARCHITECTURE='{searched / 'architecture.json'}'", "pipeline.run.stages=('retrain',)"
    results = run_here(path, tmp_path / "given", data_dir, *given)
    assert results["test"]["auc"] == pytest.approx(metrics["test"]["auc"], abs=1e-6)


@pytest.mark.parametrize(
    "binding",
    ["pipeline.run.stages=('search_interactions', 'retrain')", "ARCHITECTURE='found.json'"],
)
def test_a_search_of_a_model_without_one_is_refused(binding, data_dir, tmp_path):
    (tmp_path / "lr.gin").write_text("\n".join(LR))
    error = refused_here(tmp_path / "lr.gin", tmp_path / "run", data_dir, *SMALL, binding)
    assert "takes no architecture and the stage retrain alone" in error
    assert not (tmp_path / "run").exists()
