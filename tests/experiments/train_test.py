"""The real binary, end to end."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import gin
import keras
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from aim_keras import Architecture
from aim_keras.feature_groups import FeatureGroups
from aim_keras.search import random_architecture
from experiments import train as binary
from experiments.analysis import analyze

ROOT = pathlib.Path(__file__).parents[2]
REAL_DATA = ROOT.parent / "shared" / "data"
SMALL = (
    "planted.builder.num_train=6000",
    "planted.builder.num_valid=1000",
    "planted.builder.num_test=1000",
    "BATCH_SIZE=500",
    "ALPHA_THRESHOLD=0.58",
    "BETA_THRESHOLD=0.3",
    "search_interactions/fitting.fit.epochs=2",
    "search_dimensions/fitting.fit.epochs=2",
    "retrain/fitting.fit.epochs=3",
)


def quickstart(run_dir, data_dir, *bindings):
    return [
        *(sys.executable, "-m", "experiments.train", "--gin_file=quickstart.gin"),
        *(f"--run_dir={run_dir}", f"--data_dir={data_dir}"),
        *(f"--gin_bindings={binding}" for binding in (*SMALL, *bindings)),
    ]


def run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def error_of(*arguments, **values):
    """What the binary says, in this process, to arguments it must refuse."""
    flags.FLAGS.mark_as_parsed()
    gin.clear_config()
    with flagsaver.flagsaver(**values), pytest.raises((SystemExit, Exception)) as caught:
        binary.main(["train", *arguments])
    return str(caught.value)


def killed_after(state, command, log):
    """Runs a command until the first epoch of a stage is in that file, and kills it."""
    with open(log, "w") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        deadline = time.monotonic() + 120
        while not state.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert json.loads(state.read_text())["epoch"] == 1, log.read_text()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data_dir):
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    result = run(quickstart(run_dir, data_dir))
    assert result.returncode == 0, result.stderr
    return run_dir, result.stdout


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


def test_saved_model_serves_the_keras_model_without_aim_keras(finished):
    run_dir, _ = finished
    model = keras.models.load_model(run_dir / "model.keras")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert sum(np.prod(v.shape) for v in model.trainable_variables) == metrics["parameters"]
    ids = np.random.default_rng(0).integers(0, 13, (50, 10)).astype("int32")
    np.save(run_dir / "ids.npy", ids)
    script = (
        "import sys, numpy as np, tensorflow as tf\n"
        "ids = np.load(sys.argv[1] + '/ids.npy')\n"
        "served = tf.saved_model.load(sys.argv[1] + '/saved_model/1')\n"
        "columns = {f'f{i}': tf.constant(ids[:, i]) for i in range(10)}\n"
        "ctr = served.signatures['serving_default'](**columns)['ctr']\n"
        "np.save(sys.argv[1] + '/ctr.npy', ctr)\n"
        "assert not any(name.startswith('aim_keras') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, run_dir], check=True, cwd="/")
    expected = 1 / (1 + np.exp(-model.predict(ids, verbose=0)))
    np.testing.assert_allclose(np.load(run_dir / "ctr.npy"), expected, atol=1e-6)


def test_a_finished_run_is_not_run_again(finished, data_dir):
    run_dir, stdout = finished
    before = contents(run_dir)
    result = run(quickstart(run_dir, data_dir))
    assert result.returncode == 0, result.stderr
    assert contents(run_dir) == before
    assert result.stdout.splitlines()[-2] == stdout.splitlines()[-2]


def test_goes_on_where_it_was_killed(finished, data_dir, tmp_path):
    run_dir, _ = finished
    command = quickstart(tmp_path / "killed", data_dir)
    state = tmp_path / "killed" / "stages" / "search_dimensions" / "backup" / "state.json"
    killed_after(state, command, tmp_path / "log")
    found = tmp_path / "killed" / "stages" / "search_interactions_2" / "architecture.json"
    stamp = found.stat().st_mtime_ns
    result = run(command)
    assert result.returncode == 0, result.stderr
    assert found.stat().st_mtime_ns == stamp
    uninterrupted = json.loads((run_dir / "metrics.json").read_text())
    resumed = json.loads((tmp_path / "killed" / "metrics.json").read_text())
    assert resumed["test"]["auc"] == pytest.approx(uninterrupted["test"]["auc"], abs=1e-6)


def test_trains_without_any_interaction_where_all_were_pruned(data_dir, tmp_path):
    result = run(quickstart(tmp_path / "run", data_dir, "ALPHA_THRESHOLD=9"))
    assert result.returncode == 0, result.stderr
    assert "Every interaction was pruned" in result.stderr
    assert "Nothing to search" in result.stdout
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["stages"][-1]["units"] == {}
    assert set(metrics["planted"]["2"].values()) == {0.0}
    assert metrics["test"]["auc"] > 0.5


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
        "pipeline.run.stages=('search_interactions', 'retrain')",
        "search_interactions/fitting.fit.epochs=1",
        "retrain/fitting.fit.epochs=1",
    )
    result = run(
        [
            *(sys.executable, "-m", "experiments.train", "--gin_file=movielens.gin"),
            *(f"--run_dir={tmp_path / 'run'}", f"--data_dir={tmp_path / 'data'}"),
            *(f"--raw_dir={tmp_path}", *(f"--gin_bindings={binding}" for binding in bindings)),
        ]
    )
    assert result.returncode == 0, result.stderr
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert [tensor.shape for tensor in model.inputs] == [(None, 13), (None, 2)]
    assert (tmp_path / "run" / "saved_model" / "1").is_dir()
    ranked = analyze(tmp_path / "run", raw_dir=str(tmp_path), data_dir=str(tmp_path / "data"))[
        "top"
    ]
    assert {len(ranked[name]) for name in ("alpha", "statistics")} == {ranked["n"]}
    assert not {"genres", "age", "release_year"} & {f for q in ranked["alpha"] for f in q}


def test_retraining_starts_from_the_searched_weights_if_asked(data_dir, tmp_path):
    """Nothing is trained, so the model is as good as the searched one."""
    bindings = (
        "pipeline.run.warm_start=True",
        "retrain/keras.optimizers.Adam.learning_rate=0.0",
        "retrain/models.DeepFM.hidden_units=()",
        "retrain/models.DeepFM.gated=False",
    )
    result = run(quickstart(tmp_path / "run", data_dir, *bindings))
    assert result.returncode == 0, result.stderr
    searched, started = json.loads((tmp_path / "run" / "metrics.json").read_text())["stages"][-2:]
    assert searched["auc"] > 0.55
    assert started["auc"] == pytest.approx(searched["auc"], abs=1e-5)
    assert started["log_loss"] == pytest.approx(searched["log_loss"], abs=1e-5)
    assert started["parameters"] < searched["parameters"]


def test_a_warm_start_without_a_search_is_refused(data_dir, tmp_path):
    error = error_of(
        gin_file="quickstart.gin",
        run_dir=str(tmp_path / "run"),
        data_dir=str(data_dir),
        gin_bindings=[
            *SMALL,
            "pipeline.run.warm_start=True",
            "pipeline.run.stages=('retrain',)",
        ],
    )
    assert "warm_start needs a search before the re-training" in error
    assert not (tmp_path / "run").exists()


def test_every_option_of_a_search_at_once(data_dir, tmp_path):
    bindings = (
        "ORDER=3",
        "stage.search.seeds=(0, 1)",
        "pipeline.run.warm_start=True",
        "stage.search.consensus_share=0.5",
        "stage.search.front_points=2",
        "search_interactions/order_3/stage.search.max_interactions=4",
        "search_dimensions/stage.search.max_parameters=6000",
        "search.grow.top_k=2",
    )
    result = run(quickstart(tmp_path / "run", data_dir, *bindings))
    assert result.returncode == 0, result.stderr
    stages = tmp_path / "run" / "stages"
    names = ["search_interactions_2", "search_interactions_3", "search_dimensions"]
    results = json.loads((tmp_path / "run" / "metrics.json").read_text())
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
    result = run(quickstart(tmp_path / "run", data_dir, *bindings))
    assert result.returncode == 0, result.stderr
    assert Architecture.load(tmp_path / "run" / "architecture.json") == Architecture.load(found)


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
    result = run(
        [
            *(sys.executable, "-m", "experiments.train", f"--gin_file={tmp_path / 'random.gin'}"),
            *(f"--run_dir={tmp_path / 'run'}", f"--data_dir={data_dir}", "--seed=7"),
            *(f"--gin_bindings={binding}" for binding in bindings),
        ]
    )
    assert result.returncode == 0, result.stderr
    trained = Architecture.load(tmp_path / "run" / "architecture.json")
    assert trained == random_architecture(Architecture.load(found), seed=7)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["stages"][-1]["epochs"] == 1


def test_a_random_architecture_needs_one_to_be_like(tmp_path):
    error = error_of(gin_file="runs/frappe_control_random.gin", run_dir=str(tmp_path / "run"))
    assert "draw needs an architecture. Received: architecture=None" in error
    assert not (tmp_path / "run").exists()


LR = ("include 'gin/quickstart.gin'", "include 'gin/models/lr.gin'")


def test_a_model_without_a_search_is_trained_and_exported(data_dir, tmp_path):
    (tmp_path / "lr.gin").write_text("\n".join((*LR, *SMALL)))
    result = run(
        [
            *(sys.executable, "-m", "experiments.train", f"--gin_file={tmp_path / 'lr.gin'}"),
            *(f"--run_dir={tmp_path / 'run'}", f"--data_dir={data_dir}"),
        ]
    )
    assert result.returncode == 0, result.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert [stage["stage"] for stage in metrics["stages"]] == ["retrain"]
    assert not list((tmp_path / "run").rglob("architecture.json"))
    assert metrics["parameters"] == 12 + 16 + 20 + 24 + 28 + 32 + 36 + 40 + 20 + 30 + 10 + 1
    assert (tmp_path / "run" / "saved_model" / "1").is_dir()


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


def test_a_model_with_a_search_of_its_own_goes_on_where_it_was_killed(data_dir, tmp_path):
    (tmp_path / "autogroup.gin").write_text("\n".join((*AUTOGROUP, *SMALL)))
    command = [
        *(sys.executable, "-m", "experiments.train", f"--gin_file={tmp_path / 'autogroup.gin'}"),
        *(f"--run_dir={tmp_path / 'run'}", f"--data_dir={data_dir}"),
    ]
    searched, trained = (
        tmp_path / "run" / "stages" / name for name in ("search_groups", "retrain")
    )
    killed_after(trained / "backup" / "state.json", command, tmp_path / "log")
    stamp = (searched / "architecture.json").stat().st_mtime_ns
    result = run(command)
    assert result.returncode == 0, result.stderr
    assert (searched / "architecture.json").stat().st_mtime_ns == stamp
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert [stage["stage"] for stage in metrics["stages"]] == ["search_groups", "retrain"]
    found = FeatureGroups.load(searched / "architecture.json")
    assert 0 < len(found.units(2)) == metrics["stages"][-1]["units"]["2"]
    assert FeatureGroups.load(tmp_path / "run" / "architecture.json") == found
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert model.architecture.groups == found.groups
    assert "planted" not in metrics

    given = f"--gin_bindings=ARCHITECTURE='{searched / 'architecture.json'}'"
    again = [arg.replace("/run", "/given") for arg in command]
    result = run([*again, given, "--gin_bindings=pipeline.run.stages=('retrain',)"])
    assert result.returncode == 0, result.stderr
    results = json.loads((tmp_path / "given" / "metrics.json").read_text())
    assert results["test"]["auc"] == pytest.approx(metrics["test"]["auc"], abs=1e-6)


@pytest.mark.parametrize(
    "binding",
    ["pipeline.run.stages=('search_interactions', 'retrain')", "ARCHITECTURE='found.json'"],
)
def test_a_search_of_a_model_without_one_is_refused(binding, data_dir, tmp_path):
    (tmp_path / "lr.gin").write_text("\n".join(LR))
    error = error_of(
        gin_file=str(tmp_path / "lr.gin"),
        run_dir=str(tmp_path / "run"),
        data_dir=str(data_dir),
        gin_bindings=[*SMALL, binding],
    )
    assert "takes no architecture and the stage retrain alone" in error
    assert not (tmp_path / "run").exists()


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
        error = error_of(
            gin_file="quickstart.gin",
            run_dir=str(tmp_path / "run"),
            data_dir=str(data_dir),
            gin_bindings=[*SMALL, f"ARCHITECTURE='{path}'"],
        )
        assert message in error
        assert not (tmp_path / "run").exists()


def test_another_architecture_in_the_same_file_is_another_configuration(data_dir, tmp_path):
    path, run_dir = tmp_path / "found.json", tmp_path / "run"
    arguments = {
        "gin_file": "quickstart.gin",
        "run_dir": str(run_dir),
        "data_dir": str(data_dir),
        "gin_bindings": [*SMALL, f"ARCHITECTURE='{path}'"],
    }
    fields = [f"f{i}" for i in range(10)]
    triple = {"inner": [fields[:3]]}
    Architecture(fields, ["inner"], 8, triple).save(path)
    assert "order must be at least that of the architecture" in error_of(**arguments)
    assert not run_dir.exists()
    Architecture.full(fields, ["inner"], 8).save(path)
    run_dir.mkdir()
    (run_dir / "requested.gin").write_text("of another architecture")
    error = error_of(**arguments)
    assert "another configuration" in error
    assert '"inner": [["f0", "f1"]' in error


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
    error = error_of(
        gin_file="quickstart.gin",
        run_dir=str(run_dir),
        data_dir=str(data_dir),
        gin_bindings=[*SMALL, *bindings],
    )
    assert error.startswith("Error:")
    assert message in error
    assert contents(run_dir) == before


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
    error = error_of(gin_file=gin_file, run_dir=str(run_dir), raw_dir=str(tmp_path))
    assert error.startswith("Error:")
    assert all(message in error for message in messages)
    assert not run_dir.exists()


def test_every_argument_is_a_flag():
    assert "stray" in error_of("stray", gin_file="quickstart.gin")
