"""Scores of raw files are those that the same rows have in the prepared data."""

import gzip

import keras
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from pyarrow import parquet

from aim_keras import export, metrics, models
from aim_keras.callbacks import rank_metrics
from aim_keras.datasets import own_data, pipeline
from experiments import scoring
from tests import forked

GENRES = ("War", "Crime", "Comedy")


def rows(number, seed):
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        user, age, price = rng.integers(20), rng.integers(500), rng.random()
        listed = rng.permutation(GENRES)[: rng.integers(4)]
        click = int(rng.random() < 0.2 + 0.6 * (user % 2))
        cells = (str(age) if rng.random() < 0.9 else "NA", f"{price:.3f}", "|".join(listed))
        found.append((str(click), f"u{user}", *cells))
    return found


def write(path, found, names=("click", "User ID", "age", "price", "genres"), separator=","):
    lines = [separator.join(row) for row in [names, *found]]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with days of clicks, a model of the first two and the third day's metrics."""
    folder = tmp_path_factory.mktemp("score")
    days = [write(folder / f"day_{day}.csv", rows(1500, seed=day)) for day in (1, 2, 3)]
    schema = folder / "schema.json"
    builder = own_data.builder(*days, data_dir=folder / "data", schema=schema)
    builder.download_and_prepare()
    assert set(builder.field_names) == {"User_ID", "age", "price", "genres"}
    keras.utils.set_random_seed(0)
    model = models.FM(builder.fields)
    for weight in model.trainable_weights:
        weight.assign(np.random.default_rng(1).normal(0, 0.3, weight.shape))
    test = pipeline.batches(builder, "test", 500)
    features = next(iter(test))[0]
    export.export_saved_model(model, builder.encoding, folder / "model" / "1", features)
    return folder, rank_metrics(model, test)


def changed(schema, path, before, after):
    text = schema.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return path


def scored(folder, paths, name="scores.csv", **options):
    options = {"schema": folder / "schema.json"} | options
    results = scoring.score(folder / "model" / "1", paths, folder / name, **options)
    first, *lines = (folder / name).read_text().splitlines()
    assert first == "ctr"
    assert len(lines) == results["rows"]
    return np.array(lines, float), results


def test_scores_and_metrics_are_those_of_the_prepared_rows(trained):
    folder, expected = trained
    ctr, results = scored(folder, folder / "day_3.csv", label="click")
    labels = np.array([row[0] == "1" for row in rows(1500, seed=3)])
    assert results["rows"] == 1500
    assert results["ctr"] == pytest.approx(ctr.mean(), rel=1e-6)
    assert results["clicks"] == labels.mean()
    assert results["auc"] == pytest.approx(metrics.auc(labels, ctr), abs=1e-9)
    assert results["auc"] == pytest.approx(expected["auc"], abs=1e-5)  # logits, not probabilities
    assert results["log_loss"] == pytest.approx(expected["log_loss"], abs=1e-6)


@pytest.mark.parametrize(
    "name", ["a.csv.gz", "other.tsv", "a.parquet", "no_header.csv", "as_served.csv"]
)
def test_the_form_of_a_file_makes_no_difference(trained, name):
    folder, _ = trained
    expected, _ = scored(folder, folder / "day_3.csv")
    found, path, schema = rows(1500, seed=3), folder / name, folder / "schema.json"
    names = ("User ID", "genres", "price", "age")  # no label, and another order
    picked = [(user, genres, price, age) for _, user, age, price, genres in found]
    if name.endswith(".parquet"):
        user, genres, price, age = zip(*picked, strict=True)
        columns = {
            "User ID": user,
            "genres": [text.split("|") if text else [] for text in genres],
            "price": np.array(price, float),
            "age": pa.array([None if text == "NA" else int(text) for text in age]),
        }
        parquet.write_table(pa.table(columns), path)
    elif name == "no_header.csv":
        path.write_text("".join(",".join(row) + "\n" for row in found))
        schema = changed(schema, folder / "no_header.json", '"header": true', '"header": false')
    elif name == "other.tsv":
        write(path, picked, names, "\t")
        schema = changed(schema, folder / "tsv.json", '"separator": ","', '"separator": "\\t"')
    elif name == "as_served.csv":
        write(path, picked, ("User_ID", *names[1:]))
        schema = None
    else:
        write(path, picked, names)
    ctr, _ = scored(folder, path, schema=schema)
    np.testing.assert_allclose(ctr, expected, rtol=1e-6)


def test_folders_are_columns_and_files_come_in_order(trained, tmp_path):
    folder, _ = trained
    names, schema = ("age", "price", "genres"), None
    for user in ("u1", "u2"):
        (tmp_path / f"User_ID={user}").mkdir()
        write(tmp_path / f"User_ID={user}" / "a.csv", [("30", "0.5", "War")], names)
    write(folder / "both.csv", [(u, "30", "0.5", "War") for u in ("u1", "u2")], ("User_ID", *names))
    expected, _ = scored(folder, folder / "both.csv", schema=schema)
    ctr, _ = scored(folder, tmp_path, schema=schema)
    assert expected[0] != expected[1]
    np.testing.assert_allclose(ctr, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["age,price,genres", "1,2,War"], {}, "columns must have 'User_ID'"),
        (["User_ID,age,price,genres", "u,x,2,War"], {}, "line 2: age must be an integer"),
        (["User_ID,age,price,genres,y", "u,1,2,War,maybe"], {"label": "y"}, "y must be as 0 and 1"),
        (["User_ID,age,price,genres"], {}, "The files must have rows"),
        (
            ["User_ID,age,price,genres,User ID", "u,1,2,War,v"],
            {},
            "Received: 'User ID' for 'User_I",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(trained, tmp_path, lines, options, message):
    folder, _ = trained
    (tmp_path / "bad.csv").write_text("\n".join(lines) + "\n")
    kept = tmp_path / "scores.csv"
    kept.write_text("kept")
    with pytest.raises(ValueError, match=message):
        scoring.score(folder / "model" / "1", tmp_path / "bad.csv", kept, **options)
    assert kept.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "scores.csv"]


def test_rows_are_never_written_over(trained, tmp_path):
    folder, _ = trained
    path = tmp_path / "day_3.csv"
    path.write_text((folder / "day_3.csv").read_text())
    (tmp_path / "link.csv").symlink_to(path)
    for name in ("day_3.csv", "link.csv"):
        with pytest.raises(ValueError, match="scores must not be one of the files"):
            scored(folder, path, tmp_path / name)
    assert path.read_text() == (folder / "day_3.csv").read_text()


def test_clicks_are_those_of_the_schema(trained):
    folder, _ = trained
    path = folder / "yes.csv"
    text = (folder / "day_3.csv").read_text()
    path.write_text(text.replace("\n1,", "\nY,").replace("\n0,", "\ny,"))
    schema = changed(folder / "schema.json", folder / "y.json", '["1"]', '["Y"]')
    schema = changed(schema, schema, '["0"]', '["y"]')
    _, expected = scored(folder, folder / "day_3.csv", label="click")
    _, results = scored(folder, path, schema=schema, label="click")
    assert results == expected
    with pytest.raises(ValueError, match="line 2: click must be one of 'y', 'Y'"):
        scored(folder, folder / "day_3.csv", schema=schema, label="click")


def test_another_label_than_the_schemas_has_clicks_of_its_own(trained):
    folder, _ = trained
    found = [(*row, "yes" if row[0] == "1" else "no") for row in rows(1500, seed=3)]
    names = ("click", "User ID", "age", "price", "genres", "bought")
    _, expected = scored(folder, folder / "day_3.csv", label="click")
    _, results = scored(folder, write(folder / "bought.csv", found, names), label="bought")
    assert results == expected


@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_class_have_a_loss_and_no_auc(label):
    certain = np.array([0, 1, 1], "float32")
    results = scoring._evaluated(certain, [np.full(2, bool(label)), np.full(1, bool(label))])
    wrong = np.mean(certain != label)
    assert results.keys() == {"rows", "ctr", "clicks", "log_loss"}
    assert results["clicks"] == label
    assert results["log_loss"] == pytest.approx(-np.log(1e-7) * wrong, rel=1e-5)


def test_quotes_are_text_where_the_schema_says_so(trained):
    folder, _ = trained
    schema = changed(
        folder / "schema.json",
        folder / "plain.json",
        '"header": true',
        '"header": true, "quoted": false',
    )
    write(
        folder / "quotes.csv", [('"u1"', "30", "0.5", "War")], ("User ID", "age", "price", "genres")
    )
    write(
        folder / "unseen.csv",
        [("nobody", "30", "0.5", "War")],
        ("User ID", "age", "price", "genres"),
    )
    expected, _ = scored(folder, folder / "unseen.csv")
    ctr, _ = scored(folder, folder / "quotes.csv", schema=schema)
    assert ctr == expected
    assert scored(folder, folder / "quotes.csv")[0] != expected


def test_a_schema_of_other_fields_is_refused(trained):
    folder, _ = trained
    schema = changed(
        folder / "schema.json", folder / "other.json", '"name": "User_ID"', '"name": "user"'
    )
    with pytest.raises(ValueError, match=r"must have the model's fields.*without User_ID"):
        scored(folder, folder / "day_3.csv", schema=schema)


def test_a_model_of_ids_is_refused_and_one_without_signatures(tmp_path):
    model = models.FM({"a": 3, "b": 4})
    export.export_saved_model(model, {"a": 3, "b": 4}, tmp_path / "1", np.ones((2, 2), "int32"))
    tf.saved_model.save(tf.Module(), str(tmp_path / "2"))
    for version in "12":
        with pytest.raises(ValueError, match=r"must take raw values, .*, not ids\. Received: "):
            scoring.score(tmp_path / version, tmp_path / "any.csv", tmp_path / "scores.csv")


def test_the_binary_says_where_the_scores_are_and_how_good(trained):
    folder, _ = trained
    paths = f"{folder / 'day_3.csv'},{folder / 'day_2.csv'}"
    arguments = f"--model={folder / 'model' / '1'}", f"--schema={folder / 'schema.json'}"
    given = f"--paths={paths}", "--label=click", f"--scores={folder / 'both.csv'}"
    run = forked.run("experiments.score", *arguments, *given)
    assert run.returncode == 0, run.stderr
    assert f"Scores of 3,000 rows in {folder / 'both.csv'}" in run.stdout
    _, results = scored(folder, paths.split(","), label="click")
    for figure, key in (("share of clicks", "clicks"), ("log loss", "log_loss"), ("AUC", "auc")):
        assert f"{figure}: {results[key]:.5f}\n" in run.stdout
    run = forked.run("experiments.score", *arguments, "--paths=none.csv", "--scores=x.csv")
    assert run.returncode == 1
    assert "Error: paths must lead to files" in run.stderr
