"""What a search does to the gates, step by step."""

import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from aim_keras.arguments import checked_integer
from aim_keras.callbacks.searched import named, searched, steps_done


class SearchState(keras.callbacks.Callback):
    """Writes the state of a search for TensorBoard.

    For each gate variable `<path>/open`, the number of gates that are not zero, and
    `<path>/values`, their histogram; beside them `threshold`, that of `GRDA`. The steps are the
    updates of the gates, so those of a resumed training go on where they were.

    Args:
        log_dir: Path of a folder for the event files.
        every: Integer >= 1: the state is written after every `every` batches of an epoch, and at
            its end.

    Raises:
        ValueError: If `every` is out of range, or at the start of the training if the model was
            not compiled with `with_gates`.

    Example:

    ```python
    model.compile(with_gates(keras.optimizers.Adam(), GRDA(0.1, c=0.05)), loss=loss)
    model.fit(train, callbacks=[SearchState("logs/search")])
    ```
    """

    def __init__(self, log_dir: str | os.PathLike, every: int = 100) -> None:
        super().__init__()
        self.log_dir = str(log_dir)
        self.every = checked_integer("every", every)

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer, gates = searched(self.model, type(self).__name__)
        self._gates = named(gates)
        self._optimizer = optimizer.gates_optimizer
        self._writer = tf.summary.create_file_writer(self.log_dir)
        self._written = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._due = self.every

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 >= self._due:  # with `steps_per_execution` some numbers are left out
            self._due = (batch + 1) // self.every * self.every + self.every
            self._write()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._write()
        self._writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        self._writer.close()

    def _write(self):
        step = steps_done(self, self._optimizer)
        if step == self._written:
            return
        self._written = step
        with self._writer.as_default(step):
            for name, gate in self._gates.items():
                values = keras.ops.convert_to_numpy(gate)
                tf.summary.scalar(f"{name}/open", np.count_nonzero(values))
                tf.summary.histogram(f"{name}/values", values)
            if hasattr(self._optimizer, "threshold"):
                tf.summary.scalar("threshold", self._optimizer.threshold)
