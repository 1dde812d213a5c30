"""What a stage gives the model that it builds, and what it records."""

import functools
import json

import gin
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.datasets import pipeline
from aim_keras.models import FM, LR, AutoEmb
from experiments import fitting, stage


def test_counts_go_to_the_models_that_take_them(new_job):
    job = new_job(3000)
    with gin.unlock_config():  # A binary's test has locked it.
        configured = gin.external_configurable(AutoEmb, module="tests")
    logs = np.log1p(pipeline.counts(job.builder)["f0"])
    assert logs[0] == 0 < logs[1:].min()  # No row is out of vocabulary.
    for build_model in (AutoEmb, configured):
        model = stage.build(job, build_model, None, None)
        (popularity,) = model.get_layer("popularity").get_embeddings()
        np.testing.assert_allclose(popularity[0][:, 0], logs / logs.max(), rtol=1e-6)
    assert isinstance(stage.build(job, LR, None, None), LR)


def test_several_searches_have_a_seed_each_and_are_recorded_as_one(tmp_path, new_job):
    job, trained = new_job(200), {}

    def fit(model, stage_dir, job, searching):
        trained[job.seed] = model
        stage_dir.mkdir(parents=True)
        return job.seed

    build_model = functools.partial(FM, functions=("inner", "outer"))
    given = job, build_model, fit, "interactions", None
    _, record, searched_dir = stage.search(
        tmp_path / "search", *given, seeds=(3, 5), front_points=2
    )
    assert searched_dir == tmp_path / "search" / "seed_3"
    assert (record["epochs"], record["interactions"], record["units"]) == (8, {"2": 45}, {"2": 90})
    on_valid = {seed: job.evaluate(model, "valid", 0) for seed, model in trained.items()}
    assert on_valid[3] != on_valid[5]
    for seed, scores in on_valid.items():
        folder = tmp_path / "search" / f"seed_{seed}"
        first, *_ = json.loads((folder / "front.json").read_text())
        origin = Architecture.load(folder / "architecture.json").found_by
        assert origin == {"stage": folder.name, "seed": seed, **scores}
        assert {name: first[name] for name in scores} == pytest.approx(scores)
    means = {name: np.mean([on_valid[seed][name] for seed in (3, 5)]) for name in on_valid[3]}
    assert {name: record[name] for name in means} == pytest.approx(means)


def test_a_finished_re_training_is_read(tmp_path, new_job):
    job, calls = new_job(200), []

    def fit(model, stage_dir, job, searching):
        calls.append(searching)
        model.set_weights([weight + 1 for weight in model.get_weights()])
        stage_dir.mkdir()
        model.save_weights(fitting.best_weights(stage_dir))
        return 3

    first, second = (stage.retrain(tmp_path / "retrain", job, FM, fit, None) for _ in range(2))
    assert calls == [False]
    assert first[1:] == second[1:]
    assert second[2]["epochs"] == 3
    for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
