"""How cost grows: the fit, what is left out for lack of memory, and the binary end to end."""

import json
import math
import sys

import pytest

from experiments import measured_tables
from experiments.benchmarks import data, growth_process, growth_sweep, ours
from experiments.benchmarks.growth_axes import AXES, MODELS, Point
from experiments.benchmarks.growth_fit import fitted_law
from experiments.benchmarks.growth_sweep import COSTS, series
from tests import forked

VALUES = (10, 20, 40, 70, 100)


def points(values=VALUES):
    return [Point(value, value, None) for value in values]


def law(point):
    """Exact power laws."""
    return {"milliseconds": 3 * point.x**2, "bytes": 1000 * point.x}


def swept(measure=law, table_bytes=lambda shape: 0, max_bytes=float("inf")):
    return series(points(), measure, table_bytes, max_bytes)


def test_exact_power_laws_are_found():
    fits = swept()["fits"]
    assert fits["milliseconds"] == {
        "constant": pytest.approx(0, abs=1e-6),
        "scale": pytest.approx(3),
        "exponent": pytest.approx(2),
        "error": pytest.approx(0, abs=1e-6),
        "first": 10,
        "last": 100,
    }
    assert fits["bytes"]["exponent"] == pytest.approx(1)
    assert fits["bytes"]["scale"] == pytest.approx(1000)


def test_a_constant_is_told_from_the_growth():
    entries = [{"x": x, "bytes": 70 + 0.5 * x**1.5} for x in VALUES]
    law = fitted_law(entries, "bytes")
    assert (law.constant, law.exponent) == (pytest.approx(70), pytest.approx(1.5))
    assert law(1000) == pytest.approx(70 + 0.5 * 1000**1.5)
    assert fitted_law(entries[:2], "bytes") is None


@pytest.mark.parametrize(("constant", "exponent"), [(-5, 2), (40, 0)])
def test_neither_part_is_negative(constant, exponent):
    entries = [{"x": x, "bytes": constant + x**exponent * (1 + 0.01 * (x == 40))} for x in VALUES]
    law = fitted_law(entries, "bytes")
    assert min(law.constant, law.scale) >= 0
    assert law.error < 0.05


def test_points_beyond_memory_are_extrapolated_by_the_fit():
    measured = []

    def measure(point):
        measured.append(point.x)
        return law(point)

    content = swept(measure, max_bytes=50_000)
    assert measured == [10, 20, 40]
    assert [point["x"] for point in content["points"] if "extrapolated" in point] == [70, 100]
    last = content["points"][-1]
    assert last["milliseconds"] == pytest.approx(3 * 100**2)
    assert last["bytes"] == pytest.approx(1000 * 100)
    assert "GB of memory needed" in last["extrapolated"]
    assert content["fits"]["bytes"]["last"] == 40


def test_tables_that_have_no_room_are_not_tried():
    content = swept(table_bytes=lambda shape: 2, max_bytes=1)
    assert content["fits"] == {"milliseconds": None, "bytes": None}
    assert {point["bytes"] for point in content["points"]} == {None}


def test_after_a_failed_point_none_is_tried():
    def measure(point):
        if point.x == 70:
            raise OSError("killed")
        assert point.x < 70
        return law(point)

    content = swept(measure)
    assert content["points"][3] == {"value": 70, "x": 70, "error": "killed"}
    assert content["points"][4]["extrapolated"] == "the point before it failed"
    assert content["points"][4]["milliseconds"] == pytest.approx(3 * 100**2)


def test_bytes_of_tables_by_hand():
    shape = data.SHAPES["tiny"]
    assert MODELS["AIM search"].table_bytes(shape) == 4 * 4 * 63 * (4 * 4 + 1)
    assert MODELS["plain Keras FM"].table_bytes(shape) == 4 * 7 * 63 * (4 + 1)


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("small", [False, True])
def test_axes_vary_what_they_name(name, small):
    swept = AXES[name].points(small)
    assert [point.x for point in swept] == sorted(point.x for point in swept)
    received = {
        "fields": lambda point: len(point.shape.sizes),
        "order": lambda point: point.order,
        "batch": lambda point: point.shape.batch_size,
        "vocabulary": lambda point: sum(point.shape.sizes),
    }[name]
    assert [received(point) for point in swept] == [point.value for point in swept]
    assert min(min(point.shape.sizes) for point in swept) >= 1
    if name != "vocabulary":
        assert len({sum(point.shape.sizes) for point in swept}) == 1


def test_a_search_has_all_interactions_of_its_order():
    search = ours.aim_search(data.SHAPES["tiny"], order=3)
    assert search.get_layer("interaction_3").alpha.shape == (4 * math.comb(5, 3),)


def test_a_point_is_measured_in_a_process_of_its_own():
    (point, *_) = AXES["batch"].points(small=True)
    costs = growth_process.measured(point, "FM", steps=1, repetitions=1)
    assert set(costs) == set(COSTS)
    assert min(costs.values()) > 0


def test_a_point_that_fails_says_why(monkeypatch):
    (point, *_) = AXES["batch"].points(small=True)
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(OSError, match="FM at 8 ended with 1"):
        growth_process.measured(point, "FM", 1, 1)


def test_a_sweep_is_written_and_shown(tmp_path, capsys, monkeypatch):
    def measured(point, model, steps, repetitions):
        assert (steps, repetitions) == (5, 3)
        if (model, point.x) == ("plain Keras FM", 10**6):
            raise OSError("plain Keras FM ended with -9")
        return law(point)

    monkeypatch.setattr(growth_process, "measured", measured)
    path = tmp_path / "results" / "growth.json"
    results = growth_sweep.sweep(path, max_gb=2.0)
    assert json.loads(path.read_text()) == results
    assert list(results["axes"]) == list(AXES)
    assert growth_sweep.errors(results) == ["plain Keras FM ended with -9"]
    of_fm = results["axes"]["vocabulary"]["series"]["FM"]
    left_out = [point["x"] for point in of_fm["points"] if "extrapolated" in point]
    assert left_out == [10**7, 3 * 10**7, 10**8]
    measured_tables.show_growth(results)
    shown = capsys.readouterr().out
    assert "~ 95,367" in shown  # MB of 10^8 ids
    assert "error" in shown
    assert "2.00" in shown


def test_bad_arguments_are_refused(tmp_path):
    path = tmp_path / "growth.json"
    with pytest.raises(ValueError, match=r"only must be of fields, .* Received: \['feilds'\]"):
        growth_sweep.sweep(path, ["feilds"])
    with pytest.raises(ValueError, match=r"max_gb must be above 0. Received: max_gb=-1"):
        growth_sweep.sweep(path, max_gb=-1)
    assert list(tmp_path.iterdir()) == []


def run(path, *arguments):
    return forked.run("experiments.growth", f"--json={path}", *arguments)


def test_the_binary(tmp_path):
    """With memory for no point: those that are measured have tests of their own."""
    path = tmp_path / "growth.json"
    result = run(path, "--small", "--only=order,vocabulary", "--max_gb=1e-9")
    assert result.returncode == 0, result.stderr
    assert "left out" in result.stdout
    content = json.loads(path.read_text())
    assert content["command"][:3] == ["python", "-m", "experiments.growth"]
    assert list(content["axes"]) == ["order", "vocabulary"]
    assert path.with_suffix(".png").exists()


def test_the_binary_refuses_bad_arguments(tmp_path):
    result = run(tmp_path / "growth.json", "--max_gb=0")
    assert result.returncode == 1
    assert "Error: max_gb must be above 0. Received: max_gb=0.0" in result.stderr
