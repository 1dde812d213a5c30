"""The history of gates in a search, read back."""

import itertools
import json

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.callbacks import GateHistory, Resume, SearchState
from aim_keras.callbacks.gate_file import read_gate_history
from aim_keras.models import FM
from aim_keras.optimizers import GRDA, with_gates

SIZES = {"a": 6, "b": 5, "c": 3, "d": 4}
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
ROWS, BATCH = 140, 20  # 7 steps an epoch
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, ROWS) for size in SIZES.values()], axis=1).astype("int32")
LABELS = RNG.integers(0, 2, (ROWS, 1)).astype("float32")


class Recorder(keras.callbacks.Callback):
    """`{step: (gates by path, threshold)}` of every step."""

    def __init__(self):
        super().__init__()
        self.states = {}

    def on_train_batch_end(self, batch, logs=None):
        gates = {w.path: w.numpy().ravel() for w in self.model.weights if "/gate_" in w.path}
        optimizer = self.model.optimizer.gates_optimizer
        self.states[int(optimizer.iterations)] = gates, optimizer.threshold


class KilledError(Exception):
    """In place of the signal that ends a process."""


class Killer(keras.callbacks.Callback):
    """Ends the training after the history of an epoch and before its backup."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KilledError


def fit(
    path, search="interactions", architecture=None, epochs=3, points=200, callbacks=(), **compiled
):
    keras.utils.set_random_seed(0)
    model = FM(SIZES, architecture, search, embedding_dim=3)
    gates = GRDA(0.1, mu=0.6, target_threshold=0.65, total_steps=3 * ROWS // BATCH)
    model.compile(with_gates(keras.optimizers.Adam(0.01), gates), BINARY, **compiled)
    recorder = Recorder()
    callbacks = [recorder, GateHistory(path, points), *callbacks]
    model.fit(IDS, LABELS, BATCH, epochs, shuffle=False, verbose=0, callbacks=callbacks)
    return recorder.states


def read(path):
    header, *rows = map(json.loads, path.read_text().splitlines())
    return header, rows


@pytest.mark.parametrize("search", ["interactions", "dimensions"])
def test_every_step_and_the_first_gates(tmp_path, search):
    path = tmp_path / "new" / "gates.jsonl"
    states = fit(path, search)
    header, rows = read(path)
    assert [row["step"] for row in rows] == list(range(22))
    assert rows[0]["threshold"] == 0
    (gate,) = header["gates"]
    assert np.all(np.abs(np.array(rows[0]["values"][gate]) - 0.6) < 0.002)
    for row in rows[1:]:
        gates, threshold = states[row["step"]]
        assert row["threshold"] == pytest.approx(threshold)
        np.testing.assert_allclose(row["values"][gate], gates[gate], atol=1e-6)
    assert 0 in rows[-1]["values"][gate]


def test_units_are_named(tmp_path):
    architecture = Architecture(
        tuple(SIZES), ("inner", "outer"), 3, {"inner": [("c", "d")], "outer": [("a", "b")]}
    )
    fit(tmp_path / "alpha", "interactions", architecture, epochs=1)
    fit(tmp_path / "beta", "dimensions", architecture, epochs=1)
    assert read(tmp_path / "alpha")[0]["gates"] == {
        "interaction_2/gate_alpha": {
            "shape": [2],
            "units": [["inner", ["c", "d"]], ["outer", ["a", "b"]]],
        }
    }
    (beta,) = read(tmp_path / "beta")[0]["gates"].values()
    assert beta["units"] is None
    assert beta["shape"][-2:] == [4, 3]


@pytest.mark.parametrize(
    ("points", "steps"),
    [
        (22, [*range(22)]),
        (21, [*range(0, 21, 2), 21]),
        (7, [0, 4, 8, 12, 16, 20, 21]),
        (2, [0, 16, 21]),
    ],
)
def test_no_more_points_than_asked_for_and_the_last(tmp_path, points, steps):
    fit(tmp_path / "gates", points=points)
    assert [row["step"] for row in read(tmp_path / "gates")[1]] == steps


def test_several_steps_at_once(tmp_path):
    states = fit(tmp_path / "gates", epochs=1, steps_per_execution=3)
    header, rows = read(tmp_path / "gates")
    assert [row["step"] for row in rows] == [0, 3, 6, 7]
    (gate,) = header["gates"]
    for row in rows[1:]:
        np.testing.assert_allclose(row["values"][gate], states[row["step"]][0][gate], atol=1e-6)


def test_scaled_losses(tmp_path):
    """Under this policy Keras wraps the optimizer."""
    keras.config.set_dtype_policy("mixed_float16")
    model = FM(SIZES, None, "interactions")
    model.compile(with_gates(keras.optimizers.Adam(), GRDA(0.1)), BINARY)
    callbacks = [GateHistory(tmp_path / "gates"), SearchState(tmp_path / "log")]
    model.fit(IDS, LABELS, BATCH, verbose=0, callbacks=callbacks)
    steps = [row["step"] for row in read(tmp_path / "gates")[1]]
    assert steps == list(range(int(model.optimizer.inner_optimizer.iterations) + 1))
    assert len(steps) > 1


@pytest.mark.parametrize("points", [2, 7, 200])
@pytest.mark.parametrize("killed_in", [0, 1])
def test_a_resumed_training_leaves_the_same_file(tmp_path, points, killed_in):
    fit(tmp_path / "whole", points=points)
    resume = Resume(tmp_path / "backup")
    with pytest.raises(KilledError):
        fit(tmp_path / "resumed", points=points, callbacks=[Killer(killed_in), resume])
    ahead = read(tmp_path / "resumed")[1][-1]["step"]
    assert ahead == 7 * (killed_in + 1) > 7 * resume.finished_epochs
    fit(tmp_path / "resumed", points=points, callbacks=[Resume(tmp_path / "backup")])
    whole, resumed = read(tmp_path / "whole"), read(tmp_path / "resumed")
    assert resumed[0]["gates"] == whole[0]["gates"]
    steps = [[row["step"] for row in rows] for _, rows in (whole, resumed)]
    assert steps[0] == steps[1]
    for one, other in zip(whole[1], resumed[1], strict=True):
        for gate, values in one["values"].items():
            np.testing.assert_allclose(values, other["values"][gate], atol=2e-6)


def test_other_gate_optimizers_have_no_threshold(tmp_path):
    model = FM(SIZES, None, "interactions")
    model.compile(with_gates(keras.optimizers.Adam(), keras.optimizers.SGD()), BINARY)
    model.fit(IDS, LABELS, verbose=0, callbacks=[GateHistory(tmp_path / "gates")])
    assert {row["threshold"] for row in read(tmp_path / "gates")[1]} == {None}


def test_a_model_without_gates(tmp_path):
    model = FM(SIZES)
    model.compile("adam", BINARY)
    with pytest.raises(ValueError, match=r"`GateHistory` needs .* Received: optimizer=<"):
        model.fit(IDS, LABELS, verbose=0, callbacks=[GateHistory(tmp_path / "gates")])
    assert not (tmp_path / "gates").exists()


@pytest.mark.parametrize("points", [1, 0, -1])
def test_points_out_of_range(points):
    with pytest.raises(ValueError, match=f"at least 2. Received: points={points}"):
        GateHistory("gates", points)


def test_nested_models_whose_gates_have_the_same_path(tmp_path):
    inner = [
        FM(dict.fromkeys(names, 6), search="interactions", name=names) for names in ("abc", "dce")
    ]
    inputs = [keras.Input((3,), dtype="int32") for _ in inner]
    model = keras.Model(inputs, keras.ops.add(*(m(x) for m, x in zip(inner, inputs, strict=True))))
    model.compile(with_gates(keras.optimizers.Adam(), GRDA(0.1, c=0.1)), BINARY)
    path = tmp_path / "gates.jsonl"
    ids = RNG.integers(0, 6, (ROWS, 3))
    model.fit([ids, ids], LABELS, verbose=0, callbacks=[GateHistory(path), SearchState(tmp_path)])
    header, rows = read_gate_history(path)
    first, second = header["gates"]
    assert second == f"{first}_1"
    fields = [{*itertools.chain(*(q for _, q in of["units"]))} for of in header["gates"].values()]
    assert fields == [{*"abc"}, {*"dce"}]
    for name, layer in zip((first, second), inner, strict=True):
        alpha = layer.get_layer("interaction_2").alpha.numpy()
        assert rows[-1]["values"][name] == pytest.approx(alpha, abs=1e-5)
