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
from tests.callbacks.gated_training import (
    BATCH,
    BINARY,
    IDS,
    LABELS,
    ROWS,
    SIZES,
    KillAt,
    KilledError,
    fit,
)


def read(path):
    header, *rows = map(json.loads, path.read_text().splitlines())
    return header, rows


@pytest.mark.parametrize("search", ["interactions", "dimensions"])
def test_every_step_and_the_first_gates(tmp_path, search):
    path = tmp_path / "new" / "gates.jsonl"
    states = fit(GateHistory(path), search=search)
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
    for name, search in (("alpha", "interactions"), ("beta", "dimensions")):
        history = GateHistory(tmp_path / name)
        fit(history, search=search, architecture=architecture, epochs=1)
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
    fit(GateHistory(tmp_path / "gates", points))
    assert [row["step"] for row in read(tmp_path / "gates")[1]] == steps


def test_several_steps_at_once(tmp_path):
    states = fit(GateHistory(tmp_path / "gates"), epochs=1, steps_per_execution=3)
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
    fit(GateHistory(tmp_path / "whole", points))
    resume = Resume(tmp_path / "backup")
    with pytest.raises(KilledError):
        fit(GateHistory(tmp_path / "resumed", points), KillAt(killed_in, "end"), resume)
    ahead = read(tmp_path / "resumed")[1][-1]["step"]
    assert ahead == 7 * (killed_in + 1) > 7 * resume.finished_epochs
    fit(GateHistory(tmp_path / "resumed", points), Resume(tmp_path / "backup"))
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
    with pytest.raises(ValueError, match=f"an integer >= 2. Received: points={points}"):
        GateHistory("gates", points)


def test_nested_models_whose_gates_have_the_same_path(tmp_path):
    inner = [
        FM(dict.fromkeys(names, 6), search="interactions", name=names) for names in ("abc", "dce")
    ]
    inputs = [keras.Input((3,), dtype="int32") for _ in inner]
    model = keras.Model(inputs, keras.ops.add(*(m(x) for m, x in zip(inner, inputs, strict=True))))
    model.compile(with_gates(keras.optimizers.Adam(), GRDA(0.1, c=0.1)), BINARY)
    path = tmp_path / "gates.jsonl"
    ids = np.random.default_rng(1).integers(0, 6, (ROWS, 3))
    model.fit([ids, ids], LABELS, verbose=0, callbacks=[GateHistory(path), SearchState(tmp_path)])
    header, rows = read_gate_history(path)
    first, second = header["gates"]
    assert second == f"{first}_1"
    fields = [{*itertools.chain(*(q for _, q in of["units"]))} for of in header["gates"].values()]
    assert fields == [{*"abc"}, {*"dce"}]
    for name, layer in zip((first, second), inner, strict=True):
        alpha = layer.get_layer("interaction_2").alpha.numpy()
        assert rows[-1]["values"][name] == pytest.approx(alpha, abs=1e-5)
