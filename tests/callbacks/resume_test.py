import json
import os
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from aim_keras.callbacks import RankMetrics, Resume
from aim_keras.optimizers import GRDA, with_gates
from tests import forked
from tests.callbacks.gated_training import BINARY, KillAt, KilledError


def data(seed, rows=256):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 8)).astype("float32")
    return x, (x[:, :1] + rng.normal(size=(rows, 1)) > 0).astype("float32")


def new_model(learning_rate=0.05):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, "relu"),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Dense(1, name="gate_alpha"),
        ]
    )
    optimizer = with_gates(
        keras.optimizers.Adam(learning_rate), GRDA(0.1, c=0.01), pattern=".*gate_alpha/kernel"
    )
    model.compile(optimizer, loss=BINARY, jit_compile=False)
    return model


def new_callbacks(folder, patience=4):
    monitor = {"monitor": "val_auc", "mode": "max"}
    return [
        keras.callbacks.EarlyStopping(**monitor, patience=patience),
        keras.callbacks.ReduceLROnPlateau(**monitor, patience=1, cooldown=1, factor=0.5),
        keras.callbacks.ModelCheckpoint(
            f"{folder}/best.weights.h5", **monitor, save_best_only=True, save_weights_only=True
        ),
    ]


def train(folder, extra=(), epochs=30, **arguments):
    """Trains in a fresh model with Resume; the run stops early by itself."""
    model, watched = new_model(), new_callbacks(folder, **arguments)
    resume = Resume(f"{folder}/backup", watched)
    history = model.fit(
        *data(0),
        batch_size=64,
        shuffle=False,
        epochs=epochs,
        verbose=0,
        callbacks=[RankMetrics([data(1)]), *watched, *extra, resume],
    )
    return model, history


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    model, history = train(folder)
    assert 8 < len(history.epoch) < 30, "the case must stop early, but not at once"
    return model, history, folder


def assert_same_end(model, history, folder, straight, first_epoch):
    expected_model, expected, expected_folder = straight
    assert history.epoch == expected.epoch[first_epoch:]
    for name, values in expected.history.items():
        if not name.startswith("learning_rate"):
            assert history.history[name] == values[first_epoch:], name
    variables = [*model.variables, *model.optimizer.variables]
    expected_variables = [*expected_model.variables, *expected_model.optimizer.variables]
    for a, b in zip(variables, expected_variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
    for m, path in ((model, folder), (expected_model, expected_folder)):
        m.load_weights(f"{path}/best.weights.h5")
    for a, b in zip(model.get_weights(), expected_model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def restore(model, folder):
    """Loads the weights of a folder's last epoch, undoing `assert_same_end`'s of the best one."""
    backup = pathlib.Path(folder, "backup")
    model.load_weights(backup / json.loads((backup / "state.json").read_text())["weights"])


@pytest.mark.parametrize(("epoch", "hook"), [(1, "begin"), (7, "end")])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, straight, epoch, hook):
    with pytest.raises(KilledError):
        train(tmp_path, extra=[KillAt(epoch, hook)])
    model, history = train(tmp_path)
    assert_same_end(model, history, tmp_path, straight, first_epoch=epoch)
    restore(straight[0], straight[2])


def test_a_killed_process(tmp_path, straight):
    program = (
        "import os, signal, sys, keras\n"
        "from tests.callbacks.resume_test import train\n"
        "class Kill(keras.callbacks.Callback):\n"
        "    def on_epoch_begin(self, epoch, logs=None): self.now = epoch == 3\n"
        "    def on_train_batch_end(self, batch, logs=None):\n"
        "        if self.now and batch == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "train(sys.argv[1], extra=[Kill()])\n"
    )
    command = [sys.executable, "-c", program, tmp_path]
    killed = subprocess.run(command, cwd=forked.ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    model, history = train(tmp_path)
    assert_same_end(model, history, tmp_path, straight, first_epoch=3)
    restore(straight[0], straight[2])


@pytest.mark.parametrize("victim", ["save_weights", "replace"])
def test_a_kill_during_the_backup_leaves_the_previous_epoch(
    tmp_path, straight, monkeypatch, victim
):
    with monkeypatch.context() as patch:
        if victim == "replace":

            def kill(source, target):
                if json.loads(pathlib.Path(source).read_text())["epoch"] == 5:
                    raise KilledError
                return replace(source, target)

            replace = os.replace
            patch.setattr(os, "replace", kill)
        else:

            def kill(self, path, overwrite=True):
                if pathlib.Path(path).name == "epoch_5.weights.h5":
                    pathlib.Path(path).write_bytes(b"half a file")
                    raise KilledError
                return save_weights(self, path, overwrite=overwrite)

            save_weights = keras.Model.save_weights
            patch.setattr(keras.Model, "save_weights", kill)
        with pytest.raises(KilledError):
            train(tmp_path)
    model, history = train(tmp_path)
    assert_same_end(model, history, tmp_path, straight, first_epoch=4)
    restore(straight[0], straight[2])


def test_only_the_last_epoch_stays_on_disk(straight):
    _, history, folder = straight
    names = sorted(path.name for path in (folder / "backup").iterdir())
    assert names == [f"epoch_{len(history.epoch)}.weights.h5", "state.json"]


def test_a_run_that_stopped_early_is_not_trained_further(tmp_path):
    model, history = train(tmp_path)
    assert len(history.epoch) < 30
    again, nothing = train(tmp_path)
    assert nothing.epoch == []
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_finished_run_goes_on_only_with_more_epochs(tmp_path):
    train(tmp_path, epochs=2)
    assert train(tmp_path, epochs=2)[1].epoch == []
    model, history = train(tmp_path, epochs=3)
    assert history.epoch == [2]
    assert model.fit(*data(0), epochs=1, verbose=0).epoch == [0]


def test_resume_before_the_callbacks_it_restores(tmp_path):
    train(tmp_path, epochs=3)
    watched = new_callbacks(tmp_path)
    with pytest.raises(ValueError, match="must be listed after the callbacks"):
        new_model().fit(
            *data(0),
            epochs=4,
            verbose=0,
            callbacks=[Resume(f"{tmp_path}/backup", watched), RankMetrics(data(1)), *watched],
        )


def test_backup_of_other_callbacks(tmp_path):
    train(tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"EarlyStopping.*Received: \[\]"):
        new_model().fit(*data(0), verbose=0, callbacks=[Resume(f"{tmp_path}/backup")])


def test_backup_of_another_optimizer(tmp_path):
    new_model().fit(*data(0), verbose=0, callbacks=[Resume(tmp_path)])
    model = new_model()
    model.compile("adam", loss=BINARY)
    with pytest.raises(ValueError, match="could not be loaded"):
        model.fit(*data(0), verbose=0, callbacks=[Resume(tmp_path)])


def test_best_weights_in_memory():
    with pytest.raises(ValueError, match="restore_best_weights=True"):
        Resume("backup", [keras.callbacks.EarlyStopping(restore_best_weights=True)])
