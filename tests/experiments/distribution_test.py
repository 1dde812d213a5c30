"""Training on several devices and by several workers, beside that on one device."""

import functools
import json
import socket
import tempfile
import time

import numpy as np
import pytest
import tensorflow as tf

from experiments import distribution
from tests import forked
from tests.experiments.main_job import refused_here

pytestmark = pytest.mark.minutes
DEADLINE = 600  # seconds; a job that hangs fails the test


def ended(folder, *workers):
    """The exit code of each, and what it wrote to the standard error."""
    logs = [tempfile.mkdtemp(dir=folder) for _ in workers]
    processes = [
        forked.start(log, "tests.experiments.distributed_search", folder, *names, **environment)
        for log, (names, environment) in zip(logs, workers, strict=True)
    ]
    deadline = time.monotonic() + DEADLINE
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
        process.kill()
        process.join()
    return [(p.exitcode, forked.written(log)[1]) for p, log in zip(processes, logs, strict=True)]


def pair(folder, **of_second):
    """Two workers on this machine."""
    with socket.socket() as one, socket.socket() as two:
        for free in (one, two):
            free.bind(("localhost", 0))
        cluster = {"worker": [f"localhost:{s.getsockname()[1]}" for s in (one, two)]}
    configs = [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}}) for i in range(2)
    ]
    return ended(
        folder,
        (["multi_worker"], {"TF_CONFIG": configs[0]}),
        (["multi_worker"], {"TF_CONFIG": configs[1], **of_second}),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What is trained on one device, and on two of one machine."""
    folder = tmp_path_factory.mktemp("distributed")
    ((code, error),) = ended(folder, (["None", "mirrored"], {}))
    assert code == 0, error
    return folder


def assert_equal(folder, name):
    one, several = (np.load(folder / f"{part}.npz") for part in ("None_0", name))
    assert 0 < np.count_nonzero(one["alpha"]) < one["alpha"].size
    assert 1 < one["epochs"] < 20  # It stopped early.
    assert several["kept"].tolist() == one["kept"].tolist()
    np.testing.assert_array_equal(several["epochs"], one["epochs"])
    for key in set(one.files) - {"kept"}:
        # Each epoch begins with the averages of the one before: of rounding, no more.
        np.testing.assert_allclose(several[key], one[key], rtol=1e-4, atol=1e-5, err_msg=key)
    np.testing.assert_allclose(several["alpha"], one["alpha"], atol=1e-5, rtol=0)


def test_two_devices_find_and_train_what_one_does(folder):
    assert_equal(folder, "mirrored_0")


def test_a_lost_worker_ends_the_job_which_goes_on_as_if_it_had_stayed(folder):
    (code, error), _ = pair(folder, DIES="1")
    assert code == 1
    assert "Error: Every worker must stay: start all of them again" in error
    state = folder / "multi_worker" / "search" / "backup" / "state.json"
    assert json.loads(state.read_text())["epoch"] == 1
    for code, error in pair(folder):
        assert code == 0, error
    assert_equal(folder, "multi_worker_0")
    assert_equal(folder, "multi_worker_1")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("'both'", "distribution must be one of [None, 'mirrored', 'multi_worker']"),
        ("1", "pipeline.run.distributed: must be a valid string"),
    ],
)
def test_another_distribution_is_refused(name, message, tmp_path):
    folders = tmp_path / "run", tmp_path / "data"
    error = refused_here("quickstart.gin", *folders, f"pipeline.run.distributed={name}")
    assert f"{message}. Received: {name}" in error


@pytest.mark.parametrize("name", [None, "mirrored"])
def test_one_device_needs_no_strategy(name, monkeypatch):
    on_one = functools.partial(tf.distribute.MirroredStrategy, ["CPU:0"])
    monkeypatch.setitem(distribution.STRATEGIES, "mirrored", on_one)
    assert distribution.strategy_of(name, 7) is tf.distribute.get_strategy()
