"""What tests of the main job share: a small run of the quick start, in a process or in this one."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import gin
import pytest
from absl import flags
from absl.testing import flagsaver

from experiments import train as binary

ROOT = pathlib.Path(__file__).parents[2]
# What tests alone need is hidden from processes of their own: Keras would import it, for seconds.
REQUIREMENTS_ALONE = {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "absent"), str(ROOT)])}
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
        *(f"--run_dir={run_dir}", f"--data_dir={data_dir}", "--deterministic"),
        *(f"--gin_bindings={binding}" for binding in (*SMALL, *bindings)),
    ]


def run(command):
    environment = os.environ | REQUIREMENTS_ALONE
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def run_here(gin_file, run_dir, data_dir, *bindings, **values):
    """The binary in this process, which spares another import of TensorFlow: its `metrics.json`."""
    given = {"gin_file": str(gin_file), "run_dir": str(run_dir), "data_dir": str(data_dir)}
    _main([], {**given, "gin_bindings": [*bindings], **values})
    return json.loads((run_dir / "metrics.json").read_text())


def error_of(*arguments, **values):
    """What the binary says, in this process, to arguments it must refuse."""
    with pytest.raises((SystemExit, Exception)) as caught:
        _main(arguments, values)
    return str(caught.value)


def _main(arguments, values):
    flags.FLAGS.mark_as_parsed()
    gin.clear_config()
    with flagsaver.flagsaver(**values):
        binary.main(["train", *arguments])


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_after(state, command, log):
    """Runs a command until the first epoch of a stage is in that file, and kills it."""
    with open(log, "w") as file:
        environment = os.environ | REQUIREMENTS_ALONE
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
        deadline = time.monotonic() + 300
        while not state.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert json.loads(state.read_text())["epoch"] == 1, log.read_text()
