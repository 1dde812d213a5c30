"""What tests of the main job share: a small run of the quick start, in a process or in this one."""

import json
import time

import gin
import pytest
from absl import flags
from absl.testing import flagsaver

from experiments import train
from tests import forked

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
    """The module of the binary and its flags."""
    return [
        *("experiments.train", "--gin_file=quickstart.gin"),
        *(f"--run_dir={run_dir}", f"--data_dir={data_dir}", "--deterministic"),
        *(f"--gin_bindings={binding}" for binding in (*SMALL, *bindings)),
    ]


def in_this_process(binary, *arguments, **values):
    """Runs a binary with these values of its flags, which spares another import of TensorFlow."""
    flags.FLAGS.mark_as_parsed()
    gin.clear_config()
    with flagsaver.flagsaver(**values):
        binary.main([binary.__name__, *arguments])


def run_here(gin_file, run_dir, data_dir, *bindings, **values):
    """The main job in this process: its `metrics.json`."""
    in_this_process(train, **_given(gin_file, run_dir, data_dir, bindings), **values)
    return json.loads((run_dir / "metrics.json").read_text())


def refused_here(gin_file, run_dir, data_dir, *bindings, **values):
    """What the main job says to values that it must refuse."""
    return error_of(**_given(gin_file, run_dir, data_dir, bindings), **values)


def error_of(*arguments, binary=train, **values):
    """What a binary says to arguments, and to values of its flags, that it must refuse."""
    with pytest.raises((SystemExit, Exception)) as caught:
        in_this_process(binary, *arguments, **values)
    return str(caught.value)


def _given(gin_file, run_dir, data_dir, bindings):
    folders = {"run_dir": str(run_dir), "data_dir": str(data_dir)}
    return {"gin_file": str(gin_file), **folders, "gin_bindings": [*bindings]}


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_after(state, command, folder):
    """Runs a command until the first epoch of a stage is in that file, and kills it."""
    process = forked.start(folder, *command)
    deadline = time.monotonic() + 300
    while not state.exists() and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.join()
    assert state.exists(), forked.written(folder)
    assert json.loads(state.read_text())["epoch"] == 1
