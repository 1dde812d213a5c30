"""The main job on a user's own files."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.experiments.main_job import refused_here, run_here

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
    with open(tmp_path / "clicks.csv", "a") as file:
        file.write("malformed\n" * 9)
    given = 'CSV_PATHS=["clicks.csv"]', 'own_data.builder.on_error="skip"'
    folders = tmp_path / "run", tmp_path / "data"
    metrics = run_here("csv.gin", *folders, *SMALL, *given, raw_dir=str(tmp_path))
    assert [stage["stage"] for stage in metrics["stages"]][-1] == "retrain"
    printed = capsys.readouterr().out
    assert "bid      decimal" in printed
    assert "Warning: skipped 9 malformed lines of clicks.csv, 0.99%\n" in printed
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Warning: skipped 9 malformed lines of clicks.csv, 0.99%." in report
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
    again = run_here("csv.gin", *folders, *SMALL, *given, raw_dir=str(tmp_path))
    assert json.dumps(again) == before
    assert "Warning: skipped 9 malformed lines of clicks.csv, 0.99%\n" in capsys.readouterr().out


def test_a_run_without_rows_of_test_has_no_result_on_them(tmp_path, capsys):
    for day in (1, 2):
        write_clicks(tmp_path / f"day_{day}.csv")
    given = 'CSV_PATHS=["day_1.csv"]', 'CSV_VALID_PATHS=["day_2.csv"]'
    folders = tmp_path / "run", tmp_path / "data"
    metrics = run_here("csv.gin", *folders, *SMALL, *given, raw_dir=str(tmp_path))
    assert metrics["test"] is None
    assert metrics["valid"]["auc"] == metrics["stages"][-1]["auc"]
    assert "AUC and log loss on valid; there are no rows of test" in capsys.readouterr().out
    report = (tmp_path / "run" / "report.html").read_text()
    assert "no result on test, of which there are no rows" in report


LR = (
    "include 'gin/base.gin'",
    "include 'gin/datasets/csv.gin'",
    "include 'gin/models/lr.gin'",
    "LEARNING_RATE = 0.05",
    "BATCH_SIZE = 500",
    "retrain/fitting.fit.epochs = 1",
    "retrain/fitting.fit.epochs_per_pass = 0.04",
)


def test_sampled_negatives_leave_probabilities_calibrated(tmp_path):
    """Those of weighted rows, where the clicks of device b count twice."""
    rng = np.random.default_rng(0)
    lines, rates = ["click,device,weight"], {"a": 0.02, "b": 0.08}
    for _ in range(20_000):
        device = rng.choice(["a", "b"])
        click = int(rng.random() < rates[device])
        lines.append(f"{click},{device},{2 if device == 'b' and click else 1}")
    (tmp_path / "clicks.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "lr.gin").write_text("\n".join(LR))
    metrics = run_here(
        tmp_path / "lr.gin",
        tmp_path / "run",
        tmp_path / "data",
        'CSV_PATHS=["clicks.csv"]',
        "own_data.builder.negative_rate=0.1",
        raw_dir=str(tmp_path),
    )
    serve = tf.saved_model.load(str(tmp_path / "run" / "saved_model" / "1"))
    ctr = serve.signatures["serving_default"](device=tf.constant(["a", "b"]))["ctr"].numpy()[:, 0]
    expected = [0.02, 0.16 / (0.16 + 0.92)]
    np.testing.assert_allclose(ctr, expected, rtol=0.2)
    shares = np.array([1, 1.08]) / 2.08  # of the weights, by device
    entropy = -shares @ [p * np.log(p) + (1 - p) * np.log1p(-p) for p in expected]
    for split in ("valid", "test"):
        assert metrics[split]["log_loss"] == pytest.approx(entropy, rel=0.25)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    logits = model.predict(np.array([[1], [2]], "int32"), verbose=0)[:, 0]
    served = np.sort(1 / (1 + np.exp(-logits - np.log(0.1))))
    np.testing.assert_allclose(served, np.sort(ctr), rtol=1e-5)


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
    folders, bindings = (tmp_path / "run", tmp_path / "data"), ('CSV_PATHS=["clicks.csv"]', binding)
    text = refused_here("csv.gin", *folders, *bindings, raw_dir=str(tmp_path))
    assert text.startswith("Error: ")
    assert error in text
    assert not (tmp_path / "run").exists()
