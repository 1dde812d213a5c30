"""The main job on a user's own files."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.experiments.main_job import error_of, run_here

SMALL = (
    "pipeline.run.stages=('retrain',)",
    "BATCH_SIZE=200",
    "HIDDEN_UNITS=(16,)",
    "retrain/fitting.fit.epochs=2",
)


def write_clicks(path, rows=900, negatives=3):
    rng = np.random.default_rng(0)
    lines = ["click,user_id,age,bid,tags"]
    for i in range(rows):
        user, tags = rng.integers(30), ["a", "b", "c"][: i % 4]
        click = int(rng.integers(negatives + user % 3) == 0)
        lines.append(f"{click},{user},{rng.integers(18, 80)},{rng.random():.3f},{'|'.join(tags)}")
    path.write_text("\n".join(lines) + "\n")


def test_from_a_csv_file_to_a_saved_model(tmp_path, capsys):
    write_clicks(tmp_path / "clicks.csv")
    paths = 'CSV_PATHS=["clicks.csv"]'
    folders = tmp_path / "run", tmp_path / "data"
    metrics = run_here("csv.gin", *folders, *SMALL, paths, raw_dir=str(tmp_path))
    assert [stage["stage"] for stage in metrics["stages"]][-1] == "retrain"
    assert "bid      decimal" in capsys.readouterr().out
    serve = tf.saved_model.load(str(tmp_path / "run" / "saved_model" / "1"))
    ctr = serve.signatures["serving_default"](
        user_id=tf.constant(["7", "nobody"]),
        age=tf.constant(["30", ""]),
        bid=tf.constant([0.5, float("nan")], tf.float64),
        tags=tf.constant([["a", "b"], ["", ""]]),
    )["ctr"].numpy()
    assert ctr.shape == (2, 1)
    assert np.all((ctr > 0) & (ctr < 1))
    configuration = (tmp_path / "run" / "config.gin").read_text()
    assert "own_data.builder.paths" in configuration
    before = json.dumps(metrics)
    again = run_here("csv.gin", *folders, *SMALL, paths, raw_dir=str(tmp_path))
    assert json.dumps(again) == before


@pytest.mark.parametrize(
    ("binding", "error"),
    [
        ("CSV_PATHS=()", "paths must have at least one path"),
        ('CSV_PATHS=["none.csv"]', "paths must lead to files"),
        ('CSV_LABEL="bought"', "there must be the label's column 'bought'"),
    ],
)
def test_bad_input_is_told_in_a_line(tmp_path, binding, error):
    write_clicks(tmp_path / "clicks.csv", rows=9)
    folders = {"run_dir": str(tmp_path / "run"), "data_dir": str(tmp_path / "data")}
    bindings = ['CSV_PATHS=["clicks.csv"]', binding]
    text = error_of(gin_file="csv.gin", gin_bindings=bindings, raw_dir=str(tmp_path), **folders)
    assert text.startswith("Error: ")
    assert error in text
    assert not (tmp_path / "run").exists()
