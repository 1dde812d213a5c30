"""The main job on data, and with gates, of which there is hardly anything: each end is defined."""

import random

import numpy as np
import pytest
import tensorflow as tf

from tests.experiments.main_job import refused_here, run_here

EPOCHS = tuple(
    f"{stage}/fitting.fit.epochs=1"
    for stage in ("search_interactions", "search_dimensions", "retrain")
)


def bindings(train, valid=None, test=None):
    paths = {"CSV_PATHS": train, "CSV_VALID_PATHS": valid, "CSV_TEST_PATHS": test}
    given = (f"{name}=['{path}']" for name, path in paths.items() if path)
    return ["HIDDEN_UNITS=(4,)", *EPOCHS, *given]


@pytest.fixture
def write(tmp_path):
    """Writes a CSV file of these labels and random fields."""
    random.seed(0)

    def write(name, labels, fields=3):
        header = ["label", *(f"field_{i}" for i in range(fields))]
        rows = [[str(y), *random.choices("pqrst", k=fields)] for y in labels]
        (tmp_path / name).write_text("\n".join(map(",".join, [header, *rows])) + "\n")
        return tmp_path / name

    return write


@pytest.fixture
def refused(tmp_path):
    """What the main job says to data that it must refuse before it trains."""

    def refused(*files):
        message = refused_here("csv.gin", tmp_path / "run", tmp_path / "data", *bindings(*files))
        assert not (tmp_path / "run" / "stages").exists()
        return message

    return refused


BOTH, NEGATIVE = (0, 1) * 20, (0,) * 20


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_labels_of_one_class_are_refused_before_training(write, refused, split):
    labels = {"train": BOTH, "valid": BOTH, "test": BOTH} | {split: NEGATIVE}
    message = refused(*(write(f"{name}.csv", values) for name, values in labels.items()))
    assert f"The labels of {split} must be of both classes. Received: all are 0, of 20" in message


def test_an_empty_split_is_refused(write, refused):
    message = refused(write("a.csv", BOTH), write("b.csv", ()), write("c.csv", BOTH))
    assert "at least one row: valid has none" in message


def test_one_row_is_refused(write, refused):
    assert "one.csv, line 1: a column must be of use as a field" in refused(write("one.csv", [1]))


def test_one_field_has_no_interaction_to_search(write, refused):
    message = refused(*(write(f"{name}.csv", BOTH, fields=1) for name in ("a", "b", "c")))
    assert "order must be from 2 to the number of fields, 1. Received: order=2" in message


def test_where_nothing_is_kept_and_a_batch_is_larger_than_the_data(write, tmp_path):
    files = bindings(*(write(f"{name}.csv", BOTH) for name in ("a", "b", "c")))
    folders = tmp_path / "run", tmp_path / "data"
    metrics = run_here("csv.gin", *folders, *files, "ALPHA_THRESHOLD=50.0", "BATCH_SIZE=1000")
    assert [stage["stage"] for stage in metrics["stages"]] == ["search_interactions_2", "retrain"]
    assert not any(metrics["stages"][-1]["units"].values())
    serve = tf.saved_model.load(str(tmp_path / "run" / "saved_model" / "1"))
    inputs = {f"field_{i}": tf.constant(["p", "new"]) for i in range(3)}
    assert np.all(np.isfinite(serve.signatures["serving_default"](**inputs)["ctr"]))
