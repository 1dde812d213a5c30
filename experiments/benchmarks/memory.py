"""Peak memory of training, in a process of its own: `memory SHAPE STEPS`, as a child."""

import dataclasses
import json
import pathlib
import resource
import sys

from experiments.benchmarks import child, data, ours
from experiments.benchmarks.timing import fitting


def memory(bench):
    """Peak resident bytes of FM's training over those of its table and Adam's two moments.

    What Python and TensorFlow take before there is a model is subtracted.
    """
    sizes = json.dumps(dataclasses.asdict(dataclasses.replace(bench.shape, rows=None)))
    peak = child.answer("experiments.benchmarks.memory", sizes, bench.steps, what="The training")
    row = bench.shape.embedding_dim + 1  # and the linear weight
    state = 3 * 4 * sum(bench.shape.sizes) * row
    return {
        "ratio": (peak["trained"] - peak["imported"]) / state,
        "ours_ms": peak["milliseconds"],
        "other_ms": {},
        "bytes": peak,
        "state_bytes": state,
    }


def peak_bytes():
    """The peak of this program: `ru_maxrss` also counts what the parent had when it forked."""
    return _status("VmHWM")


def resident_bytes():
    """What this program holds now; its peak where the system does not tell."""
    return _status("VmRSS")


def _status(name):
    try:
        status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        scale = 1 if sys.platform == "darwin" else 1024
        return scale * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = [line for line in status.splitlines() if line.startswith(name)]
    return 1024 * int(line.split()[1])


def main(shape, steps):
    ours.compiled(ours.fm(data.SHAPES["tiny"])).train_on_batch(*_first(data.SHAPES["tiny"]))
    imported = peak_bytes()
    model = ours.compiled(ours.fm(shape))
    milliseconds = fitting(model, shape.batches(), steps)()
    print(json.dumps({"imported": imported, "trained": peak_bytes(), "milliseconds": milliseconds}))


def _first(shape):
    return (array[0] for array in shape.batches(1))


if __name__ == "__main__":
    main(data.Shape(**json.loads(sys.argv[1])), int(sys.argv[2]))
