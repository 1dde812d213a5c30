"""Going on with a run's model on the rows of another day, which are encoded as its own were."""

import json

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.datasets.encoding import Encoding
from experiments import scoring
from tests.experiments.main_job import refused_here, run_here
from tests.experiments.own_data_test import SMALL, write_clicks

GO_ON = "include 'gin/stages/continue.gin'"


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """A folder with the clicks of two days, and a run of the first."""
    folder = tmp_path_factory.mktemp("days")
    write_clicks(folder / "day_1.csv")
    write_clicks(folder / "day_2.csv", rows=600, negatives=2)
    later = (folder / "day_2.csv").read_text().replace(",3,", ",new,")  # a user who was not there
    (folder / "day_2.csv").write_text(later)
    run, paths = folder / "run_1", 'CSV_PATHS=["day_1.csv"]'
    run_here("csv.gin", run, folder / "data", *SMALL, paths, raw_dir=str(folder))
    return folder


def bindings(days, *more):
    schema = f"CSV_SCHEMA='{days / 'run_1' / 'schema.json'}'"
    return *SMALL, 'CSV_PATHS=["day_2.csv"]', schema, GO_ON, f"START='{days / 'run_1'}'", *more


def weights(run):
    return keras.models.load_model(run / "model.keras").get_weights()


def test_another_day_starts_from_the_weights_and_has_the_ids_of_the_first(days):
    run = days / "still"
    given = bindings(days, "LEARNING_RATE = 0.0")
    run_here("csv.gin", run, days / "data", *given, raw_dir=str(days))
    first, second = (Encoding.load(folder / "encoding.json") for folder in (days / "run_1", run))
    assert second == first
    assert "new" not in second.fields["user_id"].values
    for ours, theirs in zip(weights(run), weights(days / "run_1"), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    found = (Architecture.load(r / "architecture.json") for r in (days / "run_1", run))
    assert next(found).units() == next(found).units()
    start, retrained = json.loads((run / "metrics.json").read_text())["stages"]
    assert [start["stage"], retrained["stage"]] == ["start", "retrain"]
    costs = {"seconds": 0.0, "epochs": 0, "stage": "start"}
    assert start == retrained | costs  # nothing is learned here
    scores = [
        scoring.score(r / "saved_model" / "1", days / "day_2.csv", days / "scores.csv")
        for r in (days / "run_1", run)
    ]
    assert scores[0] == scores[1]


def test_it_learns_from_there(days):
    run = days / "run_2"
    run_here("csv.gin", run, days / "data", *bindings(days), raw_dir=str(days))
    before, after = weights(days / "run_1"), weights(run)
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    before, after = json.loads((run / "metrics.json").read_text())["stages"]
    assert before["log_loss"] != after["log_loss"]


def test_a_model_without_an_architecture_goes_on_too(days):
    lr = (
        "include 'gin/models/lr.gin'",
        *SMALL[:2],
        f"CSV_SCHEMA='{days / 'run_1' / 'schema.json'}'",
    )
    (days / "lr.gin").write_text("include 'gin/base.gin'\ninclude 'gin/datasets/csv.gin'\n")
    first, second = days / "lr_1", days / "lr_2"
    for run, more in (
        (first, ['CSV_PATHS=["day_1.csv"]']),
        (second, ['CSV_PATHS=["day_2.csv"]', GO_ON, f"START='{first}'", "LEARNING_RATE = 0.0"]),
    ):
        run_here(days / "lr.gin", run, days / "data", *lr, *more, raw_dir=str(days))
    for ours, theirs in zip(weights(second), weights(first), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["START='nowhere'"], "start_from must be the folder of a finished run"),
        (
            ["own_data.builder.encoding='nowhere'"],
            "encoding must be an encoding.json, or the folder of a run",
        ),
        (
            ["pipeline.run.stages=('search_interactions', 'retrain')"],
            "with the stage retrain alone",
        ),
        (["CSV_SCHEMA=None"], "The schema must have the fields of"),
        (["own_data.builder.encoding=None"], "The data must be encoded as those of start_from"),
        (
            ["own_data.builder.negative_rate=0.5"],
            "own_data.builder.negative_rate=1. Received: 0.5",
        ),
    ],
)
def test_what_does_not_go_together_is_named(days, tmp_path, more, message):
    given = [binding for binding in bindings(days) if binding.partition("=")[0] != "CSV_SCHEMA"]
    if "CSV_SCHEMA=None" in more:  # the field of another kind in the inferred one
        (tmp_path / "day_2.csv").write_text((days / "day_2.csv").read_text().replace("|", "/"))
    else:
        (tmp_path / "day_2.csv").write_text((days / "day_2.csv").read_text())
        given.append(f"CSV_SCHEMA='{days / 'run_1' / 'schema.json'}'")
    folders = tmp_path / "run", tmp_path / "data"
    assert message in refused_here("csv.gin", *folders, *given, *more, raw_dir=str(tmp_path))
    assert not (tmp_path / "run" / "metrics.json").exists()
