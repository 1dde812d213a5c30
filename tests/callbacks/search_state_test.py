"""The event files of a search, read back."""

import keras
import pytest
import tensorflow as tf

from aim_keras.architecture import Architecture
from aim_keras.callbacks import Resume, SearchState
from aim_keras.models import FM
from aim_keras.optimizers import with_gates
from tests.callbacks.gated_training import BINARY, IDS, LABELS, SIZES, fit


def events(log_dir):
    """`{tag: {step: value}}`."""
    found = {}
    for path in sorted(log_dir.glob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                steps = found.setdefault(value.tag, {})
                assert event.step not in steps, (value.tag, event.step)
                steps[event.step] = tf.make_ndarray(value.tensor)
    return found


def test_every_third_batch_and_the_last_of_an_epoch(tmp_path):
    states = fit(SearchState(tmp_path, 3), search="dimensions")
    written = events(tmp_path)
    path = "dimension_gate_2/gate_beta"
    assert set(written) == {f"{path}/open", f"{path}/values", "threshold"}
    for steps in written.values():
        assert list(steps) == [3, 6, 7, 10, 13, 14, 17, 20, 21]
    for step, value in written["threshold"].items():
        assert value == pytest.approx(states[step][1])
    for step, value in written[f"{path}/open"].items():
        assert value == sum(gate != 0 for gate in states[step][0][path])
    for step, buckets in written[f"{path}/values"].items():
        gates = states[step][0][path]
        assert sum(count for _, _, count in buckets) == len(gates)
        assert (buckets[0][0], buckets[-1][1]) == pytest.approx((min(gates), max(gates)))
    counts = list(written[f"{path}/open"].values())
    assert counts[0] == 12 > counts[-1]


def test_several_steps_at_once(tmp_path):
    fit(SearchState(tmp_path, 3), epochs=2, steps_per_execution=2)
    assert list(events(tmp_path)["threshold"]) == [4, 6, 7, 11, 13, 14]


def test_only_the_gates_that_are_searched(tmp_path):
    triples = Architecture(tuple(SIZES), ("inner",), 3, {"inner": [("a", "b"), ("a", "b", "c")]})
    fit(SearchState(tmp_path), architecture=triples)
    assert set(events(tmp_path)) == {
        "interaction_3/gate_alpha/open",
        "interaction_3/gate_alpha/values",
        "threshold",
    }


def test_a_search_without_candidates(tmp_path):
    nothing = Architecture(tuple(SIZES), ("inner",), 3, {})
    fit(SearchState(tmp_path, 3), architecture=nothing)
    counts = events(tmp_path)["interaction_2/gate_alpha/open"]
    assert list(map(int, counts.values())) == [0] * 9


def test_steps_of_a_resumed_training_go_on(tmp_path):
    for epochs in (1, 2):
        fit(SearchState(tmp_path / "log", 3), Resume(tmp_path / "backup"), epochs=epochs)
    assert list(events(tmp_path / "log")["threshold"]) == [3, 6, 7, 10, 13, 14]


def test_other_gate_optimizers_have_no_threshold(tmp_path):
    model = FM(SIZES, None, "interactions")
    model.compile(with_gates(keras.optimizers.Adam(), keras.optimizers.SGD()), BINARY)
    model.fit(IDS, LABELS, verbose=0, callbacks=[SearchState(tmp_path)])
    assert "threshold" not in events(tmp_path)
    assert list(events(tmp_path)["interaction_2/gate_alpha/open"]) == [5]


def test_a_model_without_gates(tmp_path):
    model = FM(SIZES)
    model.compile("adam", BINARY)
    with pytest.raises(ValueError, match=r"compiled with `with_gates`. Received: optimizer=<"):
        model.fit(IDS, LABELS, verbose=0, callbacks=[SearchState(tmp_path)])


@pytest.mark.parametrize("every", [0, -1])
def test_every_out_of_range(every):
    with pytest.raises(ValueError, match=f"every must be an integer >= 1. Received: every={every}"):
        SearchState("logs", every)
