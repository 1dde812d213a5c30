import json

import pytest

from aim_keras.callbacks.gate_file import read_gate_history

HEADER = {"every": 1, "gates": {"g": {"shape": [2], "units": [["inner", ["a"]], ["x", []]]}}}
STEP = {"step": 0, "threshold": None, "values": {"g": [0.5, 0]}}


def _read(tmp_path, *lines):
    path = tmp_path / "gates.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_gate_history(path)


def test_what_was_written_is_read(tmp_path):
    assert _read(tmp_path, HEADER, STEP) == (HEADER, [STEP])
    without_units = {"every": 2, "gates": {"g": {"shape": [2], "units": None}}}
    assert _read(tmp_path, without_units, STEP) == (without_units, [STEP])


def test_a_history_has_a_step(tmp_path):
    with pytest.raises(ValueError, match=r"gates\.jsonl must have a line for each step"):
        _read(tmp_path, HEADER)


@pytest.mark.parametrize(
    "about",
    [
        {"shape": [2]},
        {"shape": 2, "units": None},
        {"shape": [-1], "units": None},
        {"shape": [2], "units": [["inner", ["a"]]]},
        {"shape": [2], "units": [["inner", ["a"]], "x"]},
        [],
    ],
)
def test_gates_have_a_shape_and_a_unit_for_each(tmp_path, about):
    with pytest.raises(ValueError, match=r"gates\.jsonl, line 1: g must have a shape, and units"):
        _read(tmp_path, {"every": 1, "gates": {"g": about}})


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"step": -1}, "must have step, threshold and values"),
        ({"threshold": "x"}, "must have step, threshold and values"),
        ({"threshold": float("nan")}, "must have step, threshold and values"),
        ({"values": {"g": [0.5]}}, "g must have 2 finite numbers"),
        ({"values": {"g": [0.5, True]}}, "g must have 2 finite numbers"),
        ({"values": {"g": [0.5, float("inf")]}}, "g must have 2 finite numbers"),
        ({"values": {"g": [0.5, 10**400]}}, "g must have 2 finite numbers"),
        ({"values": {}}, "g must have 2 finite numbers"),
    ],
)
def test_a_step_has_a_number_for_each_gate(tmp_path, changed, error):
    with pytest.raises(ValueError, match=rf"gates\.jsonl, line 2:? {error}"):
        _read(tmp_path, HEADER, {**STEP, **changed})
