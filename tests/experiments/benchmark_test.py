"""The benchmark: its statistics, that its sides compute the same, and the binary end to end."""

import functools
import json
import sys

import numpy as np
import pytest

from experiments import benchmark
from experiments.benchmarks import (
    data,
    feeding,
    limits,
    ours,
    peer_process,
    reference,
    searching,
    timing,
    training,
)
from experiments.benchmarks.registry import MEASUREMENTS, Bench, Measurement
from tests import forked
from tests.experiments.main_job import error_of

TINY = data.SHAPES["tiny"]


def test_sides_take_turns_after_a_first_uncounted_time():
    calls, answers = [], {"a": iter([99, 3, 1, 2]), "b": iter([99, 30, 10, 50])}

    def side(name):
        def repetition():
            calls.append(name)
            return next(answers[name])

        return repetition

    times = timing.interleaved({"a": side("a"), "b": side("b")}, repetitions=3)
    assert "".join(calls) == "abababab"
    assert times == {"a": [3, 1, 2], "b": [30, 10, 50]}
    assert timing.medians(times) == {"a": 2, "b": 30}
    with pytest.raises(ValueError, match=r"an integer >= 1. Received: repetitions=0"):
        timing.interleaved({}, 0)


def test_a_step_is_timed_between_the_ends_of_the_first_and_the_last():
    for steps_per_execution in (1, 10):
        clock = timing.StepClock(steps_per_execution)
        clock.ends = [7.0, 7.5, 8.0, 9.0]
        assert clock.milliseconds == pytest.approx(2000 / 3 / steps_per_execution)


def test_ids_are_zipf_distributed_and_all_below_the_size():
    ids = data.zipf(np.random.default_rng(0), 1000, 200_000)
    assert ids.min() >= 0
    assert ids.max() < 1000
    frequencies = np.sort(np.bincount(ids, minlength=1000))[::-1]
    assert frequencies[0] / frequencies[9] == pytest.approx(10**data.ZIPF_EXPONENT, rel=0.35)


@pytest.mark.parametrize(
    ("name", "fields", "total"),
    [("criteo", 39, 1_000_000), ("criteo_10m", 39, 10_000_000), ("avazu", 24, 645_195)],
)
def test_shapes_have_their_features(name, fields, total):
    sizes = data.shape(name).sizes
    assert (len(sizes), sum(sizes)) == (fields, total)
    assert min(sizes) >= 1
    with pytest.raises(ValueError, match=r"shape must be one of .* Received: shape=frappe"):
        data.shape("frappe")


def test_limits_by_hand():
    shape = data.Shape("by_hand", (4, 3), embedding_dim=2, hidden_units=(5,), batch_size=3)
    ids = np.array([[[0, 0], [0, 1], [1, 0]], [[3, 2], [3, 2], [3, 2]]])
    weights = (2 * 2 + 1) * 5 + 5 * 1
    distinct = (4 + 2) / 2
    row = 4 * 3
    moved = 6 * distinct * row + 4 * 3 * 2 * row + 36 * weights + 4 * 4 * 3 * 7
    work = limits.work(shape, ids, 3, (5, 5), values=7, value_flops=11)
    assert work == (3 * 3 * (2 * weights + 11), moved)
    inference = limits.work(shape, ids, 3, (5, 5), training=False)
    assert inference == (3 * 2 * weights, distinct * row + 2 * 3 * 2 * row + 4 * weights)
    assert limits.work(shape, ids, 3)[0] == 0
    second = {"matmul": 1000.0, "stream": 1000.0}
    assert limits.rates(second) == (limits.MATMUL_FLOPS, limits.STREAM_BYTES)
    work = (2 * limits.MATMUL_FLOPS, 3 * limits.STREAM_BYTES)
    assert limits.least_milliseconds(work, limits.rates(second)) == pytest.approx(3000)


def test_the_definition_by_hand():
    weights = {
        "bias": np.array([0.5]),
        "table_0": np.array([[1.0, 2.0]]),
        "table_1": np.array([[0.0, 0.0], [3.0, -1.0]]),
        "linear_0": np.array([[0.25]]),
        "linear_1": np.array([[0.0], [-0.75]]),
    }
    logit = 0.5 + 0.25 - 0.75 + (1 * 3 - 2 * 1)
    assert reference.probabilities(weights, np.array([[0, 1]])) == pytest.approx(
        1 / (1 + np.exp(-logit))
    )


@pytest.mark.parametrize("kind", ["fm", "deepfm", "ipnn"])
def test_sides_compute_the_same(kind):
    training.check_equal(TINY, kind)
    expected = reference.parameter_count(TINY, kind)
    assert training.plain_model(TINY, kind).count_params() == expected
    assert sum(v.size for v in reference.random_weights(TINY, kind).values()) == expected


def test_the_plain_search_computes_the_same():
    searching.check_equal(TINY)


def test_what_differs_is_refused(monkeypatch):
    monkeypatch.setattr(ours, "set_weights", lambda model, weights: None)
    with pytest.raises(ValueError, match=r"ours must give the outputs .* Received: a difference"):
        training.check_equal(TINY, "fm")
    with pytest.raises(ValueError, match=r"must have 100 parameters, to 10%. Received: 111"):
        reference.check_parameters("peer", 111, 100, 0.1)


def test_architectures_keep_their_share_with_one_function_a_pair():
    architecture = ours.random_architecture(data.SHAPES["criteo"], 0.22)
    pairs = [pair for of in architecture.interactions.values() for pair in of]
    assert len(pairs) == len(set(pairs)) == round(0.22 * 39 * 38 / 2)
    assert len(architecture.interactions) == len(ours.FUNCTIONS)
    cut = ours.random_architecture(data.SHAPES["criteo"], 0.22, ours.KEPT_DIMENSIONS)
    assert cut.interactions == architecture.interactions
    kept = [
        len(positions) for of_field in cut.dimensions[2].values() for positions in of_field.values()
    ]
    assert sum(kept) / len(kept) == pytest.approx(20 * ours.KEPT_DIMENSIONS, rel=0.1)


def test_raw_rows_are_of_the_raw_format(tmp_path):
    feeding.write_raw_criteo(tmp_path / "train.txt", 50)
    lines = (tmp_path / "train.txt").read_text().splitlines()
    assert len(lines) == 50
    assert {line.count("\t") for line in lines} == {39}
    assert {line[0] for line in lines} == {"0", "1"}


@pytest.mark.parametrize(
    ("rule", "ratio", "met"),
    [
        (">=", 5.0, True),
        (">=", 4.9, False),
        ("<=", 5.0, True),
        ("<=", 5.1, False),
        ("within 0.1 of", 4.95, True),
        ("within 0.1 of", 5.2, False),
    ],
)
def test_targets(rule, ratio, met):
    entry = Measurement(lambda bench: {"ratio": ratio}, 5, rule).entry(Bench(TINY, 1, 1, 1, {}, {}))
    assert (entry["met"], entry["goal"], entry["shape"]) == (met, f"{rule} 5", "tiny")


def test_peers_that_are_not_installed_are_named_and_one_that_ends_says_why(tmp_path):
    there, left_out = peer_process.commands(tmp_path)
    assert there == {}
    assert set(left_out) == set(peer_process.PEERS)
    for name in peer_process.PEERS:
        assert peer_process.requirements(name).is_file()
        assert (peer_process.FOLDER / "peers" / f"run_{name}.py").is_file()
    failing = [sys.executable, "-c", "raise ValueError('no such thing')"]
    peer = peer_process.Peer("failing", failing, TINY, "fm", 1)
    with pytest.raises(peer_process.PeerError, match=r"failing ended with 1.*no such thing"):
        peer.__enter__()


def test_a_peer_answers(tmp_path):
    """A peer of NumPy alone, over the protocol that the real ones follow."""
    script = tmp_path / "run_numpy.py"
    script.write_text(
        f"import sys; sys.path[:0] = [{str(peer_process.FOLDER / 'peers')!r}]\n"
        "from serve import serve, Repetition\n"
        "class Model:\n"
        "    version, parameters, has_linear = '1', 7, True\n"
        "    def __init__(self, config, ids, labels):\n"
        "        print(config['kind'])  # not an answer\n"
        "        self.repetition = Repetition(lambda batch: None, ids, config['steps'])\n"
        "    def set_weights(self, weights): self.bias = weights['bias']\n"
        "    def probabilities(self, ids): return self.bias + ids[:, :1]\n"
        "serve(Model)\n"
    )
    weights = {"bias": np.ones(1)}
    command = [sys.executable, str(script)]
    with peer_process.Peer("numpy", command, TINY, "fm", 2, weights) as peer:
        first = TINY.batches()[0][0]
        assert peer.facts["probabilities"] == (first[:, 0] + 1).tolist()
        assert (peer.facts["version"], peer.facts["parameters"]) == ("1", 7)
        assert peer.repetition() > 0
        assert peer.repetition() > 0


def test_the_binary_measures_what_it_is_asked_for(tmp_path):
    path = tmp_path / "results" / "benchmark.json"
    names = ["fm_train_vs_limit", "eds_disk_vs_parameters"]
    result = forked.run(
        *("experiments.benchmark", f"--json={path}", "--shape=tiny", f"--peers_dir={tmp_path}"),
        *(f"--only={','.join(names)}", "--repetitions=1", "--steps=2"),
    )
    assert result.returncode == 0, result.stderr
    content = json.loads(path.read_text())
    assert list(content["measurements"]) == names
    for name, entry in content["measurements"].items():
        assert {"ratio", "ours_ms", "other_ms", "target", "met", "shape"} <= set(entry)
        assert entry["ratio"] > 0
        assert entry["shape"] == "tiny"
        assert entry["target"] == MEASUREMENTS[name].target
        assert name in result.stdout
    limit = content["measurements"]["fm_train_vs_limit"]
    assert limit["ratio"] == pytest.approx(limit["limit_ms"] / limit["ours_ms"])
    disk = content["measurements"]["eds_disk_vs_parameters"]
    shares = [disk[key]["cut"] / disk[key]["full"] for key in ("bytes", "parameters")]
    assert disk["ratio"] == pytest.approx(shares[0] / shares[1])
    assert disk["parameters"]["full"] == 63 * 5 + 1
    assert content["machine"]["cores"] >= 1
    assert {"tensorflow", "keras"} <= set(content["versions"])
    assert content["command"][:3] == ["python", "-m", "experiments.benchmark"]
    assert "Without deepctr: not in" in result.stdout
    assert path.with_suffix(".png").exists()


def test_the_binary_refuses_bad_arguments(tmp_path):
    said = functools.partial(error_of, binary=benchmark)
    there = {"json": str(tmp_path / "b.json"), "peers_dir": str(tmp_path)}
    message = said(**there, only=["fm_train_vs_kears"])
    assert message.startswith("Error: only must be of fm_train_vs_keras,")
    assert "Received: ['fm_train_vs_kears']" in message
    assert "Received: shape=criteo_1m" in said(**there, shape="criteo_1m")
    assert "Received: ['fm_train_vs_keras']" in said("fm_train_vs_keras")
    assert list(tmp_path.iterdir()) == []
