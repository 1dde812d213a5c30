"""Costs of training at one point, in a process of its own: its peak memory is then the point's."""

import dataclasses
import json
import sys

import tensorflow as tf

from experiments.benchmarks import child, ours
from experiments.benchmarks.data import Shape
from experiments.benchmarks.growth_axes import MODELS, SMALL, Point
from experiments.benchmarks.memory import peak_bytes, resident_bytes
from experiments.benchmarks.timing import fitting, interleaved, medians


def measured(point, model, steps, repetitions):
    """Median milliseconds of a training step, and bytes at the peak beyond those before the model.

    Args:
        point: `Point`.
        model: String, of `MODELS`.
        steps: Integer >= 1: timed steps of a repetition.
        repetitions: Integer >= 1.

    Raises:
        OSError: if the process ends without an answer, as where the system's memory runs out.
    """
    task = {"point": dataclasses.asdict(point), "model": model}
    task |= {"steps": steps, "repetitions": repetitions}
    what = f"{model} at {point.value}"
    return child.answer("experiments.benchmarks.growth_process", json.dumps(task), what=what)


def main(point, model, steps, repetitions):
    options = {"steps_per_execution": min(steps, ours.STEPS_PER_EXECUTION)}
    compiled = MODELS[model].compiled
    small = dataclasses.replace(point, shape=SMALL)
    fitting(compiled(small, **options), small.shape.batches(), 1)()
    batches = tuple(tf.constant(array) for array in point.shape.batches())
    before = resident_bytes()
    side = fitting(compiled(point, **options), batches, steps)
    of = medians(interleaved({model: side}, repetitions))
    print(json.dumps({"milliseconds": of[model], "bytes": peak_bytes() - before}))


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    shape = Shape(**task["point"].pop("shape"))
    main(**{**task, "point": Point(**task["point"], shape=shape)})
