"""What the peers' scripts share: the data they get, and what they answer.

It runs in a peer's own environment, so it needs nothing but NumPy. A script is called with the path
of an `.npz` file (its arrays: `peer_process.Peer`), writes one JSON line about itself, and then one
with the milliseconds of a step for each line it reads.
"""

import itertools
import json
import os
import sys
import time

import numpy as np


def serve(build):
    """Builds the peer's model and answers until the input ends.

    Args:
        build: Callable `(config, ids, labels) -> model` with `version`, `parameters`,
            `has_linear` (whether it has a weight a feature), `set_weights(weights)`,
            `probabilities(ids)` and `repetition()`, the milliseconds of a step.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What libraries print goes to the log.
    data = dict(np.load(sys.argv[-1]))
    config = json.loads(str(data.pop("config")))
    ids, labels = data.pop("ids"), data.pop("labels")
    model = build(config, ids, labels)
    facts = {
        "version": model.version,
        "parameters": int(model.parameters),
        "has_linear": model.has_linear,
    }
    if data:
        model.set_weights(data)
        facts["probabilities"] = np.ravel(model.probabilities(ids[0])).tolist()
    print(json.dumps(facts), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps({"milliseconds": model.repetition()}), file=answers, flush=True)


class Repetition:
    """Trains on batches in turn and times all steps but the first.

    Args:
        step: Callable of a batch.
        batches: Sequence of batches as the peer's model takes them, in memory.
        steps: Number of timed steps.
    """

    def __init__(self, step, batches, steps):
        self._step, self._steps = step, steps
        self._batches = itertools.cycle(batches)

    def __call__(self):
        self._step(next(self._batches))
        started = time.perf_counter()
        for _ in range(self._steps):
            self._step(next(self._batches))
        return 1000 * (time.perf_counter() - started) / self._steps


def names(config):
    return [f"f{i}" for i in range(len(config["sizes"]))]
