"""What is read from the folder of a run, and the reports by the real binaries."""

import json
import shutil

import pytest
import tensorflow as tf

from aim_keras import Architecture
from experiments import compare
from experiments.reporting import collect, run_page, runs_page
from tests import forked
from tests.experiments.main_job import in_this_process
from tests.experiments.reporting.html_page import Page


@pytest.fixture(scope="module")
def read(finished):
    return collect.read(finished[0])


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the run without its large files."""
    left_out = shutil.ignore_patterns("backup", "*.h5", "variables", "ids.npy", "ctr.npy")
    return shutil.copytree(finished[0], tmp_path / "copy", ignore=left_out)


def test_the_run(finished, read):
    run_dir, _ = finished
    assert (read.name, read.model, read.seed) == ("run", "DeepFM", "0")
    assert read.metrics == json.loads((run_dir / "metrics.json").read_text())
    assert read.found == Architecture.load(run_dir / "architecture.json")
    assert read.dataset == read.found.dataset
    assert tuple(read.fields) == read.found.fields
    assert read.bytes > 4 * read.metrics["parameters"]
    assert list(read.searched) == [2]
    assert read.analysis is None


def test_alpha_of_what_was_kept_is_that_of_the_search(read):
    alpha = read.searched[2].importance(2)
    kept = read.kept(2)
    assert {(k, q) for q, of in kept.items() for k in of} == set(read.found.units(2))
    assert kept
    assert all(of[k] == alpha[k, q] for q, of in kept.items() for k in of)


def test_curves_have_each_epoch_and_end_as_the_record_says(read):
    curves = {training.name: training.curves for training in read.trainings}
    epochs = {"search_interactions_2": 2, "search_dimensions": 2, "retrain": 3}
    assert {name: len(of["loss"]) for name, of in curves.items()} == epochs
    for record in read.metrics["stages"]:
        curve = curves[record["stage"]]["auc"]
        chosen = max(curve.values()) if record["stage"] == "retrain" else curve[1]
        assert chosen == pytest.approx(record["auc"], abs=1e-6)


def test_the_last_gates_are_those_of_the_search(read):
    (history,) = read.trainings[0].gates
    assert history.steps == list(range(25))  # 2 epochs of 12 batches
    last = {(k, tuple(q)): v for (k, q), v in zip(history.units, history.values[-1], strict=True)}
    for unit, alpha in read.searched[2].importance(2).items():
        assert abs(last[unit]) == pytest.approx(alpha, abs=1e-6)
    (beta,) = read.trainings[1].gates
    assert beta.units is None
    assert read.trainings[2].gates == []


def test_seeds_come_by_their_number(tmp_path):
    for seed in (10, 9, 1):
        (tmp_path / "search" / f"seed_{seed}").mkdir(parents=True)
    names = [training.name for training in collect._trainings(tmp_path / "search")]
    assert names == ["search/seed_1", "search/seed_9", "search/seed_10"]


def test_an_interrupted_epoch_is_counted_once(tmp_path):
    for number, value in enumerate((0.5, 0.7)):
        with tf.summary.create_file_writer(str(tmp_path), filename_suffix=f".{number}").as_default(
            step=3
        ):
            tf.summary.scalar("epoch_auc", value)
    assert list(collect._scalars(tmp_path, "epoch_auc").values()) == [pytest.approx(0.7)]


def test_the_main_job_writes_the_report(finished, read):
    run_dir, stdout = finished
    path = run_dir / run_page.FILE
    assert str(path) in stdout.splitlines()[-1]
    assert path.read_text(encoding="utf-8") == run_page.html(read)
    parsed = Page(path.read_text(encoding="utf-8"))
    assert f"{read.metrics['test']['auc']:.4f}" in parsed.texts["dd"]
    assert parsed.seen.count("svg") == len(read.found.functions) + 1 + 1 + 4 + 3 + 1


def test_the_binary_compares_with_other_runs(finished, copy):
    run_dir, _ = finished
    (copy / run_page.FILE).unlink()
    result = forked.run("experiments.report", f"--run_dir={copy}", f"--beside=base={run_dir}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Report in {copy / run_page.FILE}\n"
    parsed = Page((copy / run_page.FILE).read_text(encoding="utf-8"))
    assert parsed.texts["h1"] == ["copy"]
    assert "base" in parsed.texts["td"]


def test_several_runs_by_the_binary(finished, copy, tmp_path, capsys):
    output = tmp_path / "pages" / "compared.html"
    in_this_process(compare, f"first={finished[0]}", str(copy), output=str(output))
    assert capsys.readouterr().out == f"Comparison in {output}\n"
    parsed = Page(output.read_text(encoding="utf-8"))
    assert {"first", "copy"} <= set(parsed.texts["td"])
    assert "2 of 2" in parsed.texts["td"]


@pytest.mark.parametrize("file", collect.NEEDED)
def test_an_unfinished_run_is_named_with_what_it_lacks(copy, file):
    (copy / file).unlink()
    (copy / run_page.FILE).write_text("as it was")
    with pytest.raises(ValueError, match=rf"finished run .* Received: {copy}, without {file}"):
        run_page.write(copy)
    assert (copy / run_page.FILE).read_text() == "as it was"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("metrics.json", '{"test": ', "must be a JSON object"),
        ("analysis.json", "", "must be a JSON object"),
        ("architecture.json", '{"format": "another/1"}', "not a valid architecture: format must"),
    ],
)
def test_malformed_files_are_named(copy, file, content, message):
    (copy / file).write_text(content)
    with pytest.raises(ValueError, match=rf"{file}.*{message}"):
        collect.read(copy)


def test_a_model_whose_configuration_unpacks_to_too_much_is_refused(copy, monkeypatch):
    monkeypatch.setattr(collect, "CONFIG_BYTES", 1000)
    with pytest.raises(ValueError, match=r"model\.keras.*config\.json must have at most 1,000 b"):
        collect.read(copy)


@pytest.mark.parametrize(("argument", "name"), [("{}", "lr=0.1"), ("a={}", "a"), ("={}", "lr=0.1")])
def test_a_folder_may_have_an_equals_sign(copy, argument, name):
    folder = copy.rename(copy.with_name("lr=0.1"))
    run = collect.read_named(argument.format(folder))
    assert (run.name, run.path) == (name, folder)


def test_what_a_comparison_refuses(finished, copy, tmp_path):
    run_dir, _ = finished
    output = tmp_path / "compare.html"
    for folders, message in (
        ([str(run_dir)], "two or more runs"),
        ([f"a={run_dir}", f"a={copy}"], r"NAME=FOLDER. Received: \['a', 'a'\]"),
        ([str(run_dir), str(tmp_path)], "without metrics.json"),
    ):
        with pytest.raises(ValueError, match=message):
            runs_page.write(folders, output)
    assert not output.exists()
    with pytest.raises(SystemExit, match="Error: A comparison needs two or more runs"):
        in_this_process(compare)


def test_runs_of_before_have_no_history_of_gates(copy):
    for path in copy.rglob("gates.jsonl"):
        path.unlink()
    shutil.rmtree(copy / "stages" / "retrain" / "tensorboard")
    parsed = Page(run_page.write(copy).read_text(encoding="utf-8"))
    assert "no history of its gates" in parsed.text
    assert "search_dimensions" in parsed.text
