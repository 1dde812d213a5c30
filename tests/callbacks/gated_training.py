"""A small training of gates, what they are at each of its steps, and its sudden end."""

import keras
import numpy as np

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


def fit(*callbacks, search="interactions", architecture=None, epochs=3, **compiled):
    """The states that a `Recorder` before the callbacks has seen."""
    keras.utils.set_random_seed(0)
    model = FM(SIZES, architecture, search, embedding_dim=3)
    gates = GRDA(0.1, mu=0.6, target_threshold=0.65, total_steps=3 * ROWS // BATCH)
    model.compile(with_gates(keras.optimizers.Adam(0.01), gates), BINARY, **compiled)
    recorder = Recorder()
    callbacks = [recorder, *callbacks]
    model.fit(IDS, LABELS, BATCH, epochs, shuffle=False, verbose=0, callbacks=callbacks)
    return recorder.states


class KilledError(Exception):
    """In place of the signal that ends a process."""


class KillAt(keras.callbacks.Callback):
    """Ends the training at the `begin` or the `end` of an epoch."""

    def __init__(self, epoch, hook):
        super().__init__()
        self.epoch, self.hook = epoch, hook

    def on_epoch_begin(self, epoch, logs=None):
        if self.hook == "begin" and epoch == self.epoch:
            raise KilledError

    def on_epoch_end(self, epoch, logs=None):
        if self.hook == "end" and epoch == self.epoch:
            raise KilledError
