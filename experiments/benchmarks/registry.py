"""The measurements by name: what is run, over which shape, and what it should reach."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial

from experiments.benchmarks import feeding, limits, memory, searching, serving, training
from experiments.benchmarks.data import Shape

RULES = {
    ">=": lambda ratio, target: ratio >= target,
    "<=": lambda ratio, target: ratio <= target,
    "within 0.1 of": lambda ratio, target: abs(ratio - target) <= 0.1,
}


@dataclasses.dataclass(frozen=True)
class Bench:
    """What a measurement is given.

    Args:
        shape: `Shape`.
        repetitions: Integer >= 1: repetitions of each side.
        steps: Integer >= 1: timed steps of a repetition.
        rows: Integer >= 1: rows that are prepared or read.
        peers: `{name: command}` of the peers that can run.
        peers_left_out: `{name: reason}` of the others.
    """

    shape: Shape
    repetitions: int
    steps: int
    rows: int
    peers: Mapping
    peers_left_out: Mapping


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One ratio.

    Args:
        run: Callable `(Bench) -> {"ratio", "ours_ms", "other_ms", ...}`, with `work` where there is
            a limit, `(flops, bytes)` of our side, and `rates` where those of the machine were
            measured beside it.
        target: Number.
        rule: How the ratio is compared to the target, of `RULES`.
        shape: Name of the shape, unless `--shape` gives another.
    """

    run: Callable
    target: float
    rule: str = ">="
    shape: str = "criteo"

    @property
    def goal(self):
        return f"{self.rule} {self.target:g}"

    def entry(self, bench):
        """The JSON's entry of this measurement, run over the shape of `bench`."""
        result = self.run(bench)
        if "work" in result:
            rates = result.pop("rates", None) or limits.measured()
            result["limit_ms"] = limits.least_milliseconds(result["work"], rates)
            result["gflops_per_s"], result["gb_per_s"] = (rate / 1e9 for rate in rates)
        return {
            **result,
            "target": self.target,
            "goal": self.goal,
            "met": bool(RULES[self.rule](result["ratio"], self.target)),
            "shape": bench.shape.name,
        }


MEASUREMENTS = {
    "fm_train_vs_keras": Measurement(partial(training.versus_keras, kind="fm"), 5),
    "fm_train_vs_best_peer": Measurement(partial(training.versus_peers, kind="fm"), 5),
    "fm_train_10m_vs_best_peer": Measurement(
        partial(training.versus_peers, kind="fm"), 10, shape="criteo_10m"
    ),
    "fm_train_vs_limit": Measurement(partial(training.versus_limit, kind="fm"), 0.6),
    "deepfm_train_vs_limit": Measurement(partial(training.versus_limit, kind="deepfm"), 0.85),
    "deepfm_train_vs_best_peer": Measurement(partial(training.versus_peers, kind="deepfm"), 1.5),
    "deepfm_bf16_vs_keras": Measurement(
        partial(training.versus_keras, kind="deepfm", policy="mixed_bfloat16"), 1.8
    ),
    "ipnn_train_vs_limit": Measurement(partial(training.versus_limit, kind="ipnn"), 0.85),
    "ipnn_bf16_vs_keras": Measurement(
        partial(training.versus_keras, kind="ipnn", policy="mixed_bfloat16"), 1.8
    ),
    "aim_search_vs_plain": Measurement(searching.versus_plain, 5),
    "aim_search_vs_retrain": Measurement(searching.versus_retraining, 1.3, "<="),
    "aim_inference_vs_deepfm": Measurement(
        partial(serving.inference_versus_deepfm, with_mlp=True), 0.9, "<=", "avazu"
    ),
    "fm_only_aim_inference_vs_deepfm": Measurement(
        partial(serving.inference_versus_deepfm, with_mlp=False), 0.25, "<=", "avazu"
    ),
    "p99_ms_500": Measurement(serving.latency, 5, "<="),
    "input_vs_train": Measurement(feeding.input_versus_training, 10),
    "prepare_rows_per_s": Measurement(feeding.preparation, 200_000),
    "fm_memory_ratio": Measurement(memory.memory, 1.3, "<=", "criteo_10m"),
    "eds_disk_vs_parameters": Measurement(
        partial(serving.size_versus_parameters, of="disk"), 1, "within 0.1 of"
    ),
    "eds_memory_vs_parameters": Measurement(
        partial(serving.size_versus_parameters, of="memory"), 1, "within 0.1 of"
    ),
}
