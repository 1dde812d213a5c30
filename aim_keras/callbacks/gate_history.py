"""What became of each gate in a search, in a file to draw from."""

import json
import os
import pathlib
from typing import Any

import keras
import numpy as np

from aim_keras import atomic
from aim_keras.arguments import checked_integer
from aim_keras.callbacks.gate_file import read_gate_history
from aim_keras.callbacks.searched import named, searched, steps_done
from aim_keras.layers import GatedInteraction

DIGITS = 6


class GateHistory(keras.callbacks.Callback):
    """Writes the values of all gates and GRDA's threshold over the steps of a search.

    Of `n` steps those are kept that are multiples of the smallest power of two by which at most
    `points` are left, step 0 before the first one included, and the last step of the training.
    The file is written after every epoch, whole or not at all, as JSON lines: first
    `{"every": ..., "gates": {path: {"shape": ..., "units": ...}}}`, where the units of a
    `GatedInteraction` are `[function, fields]` and those of any other layer null, then for each
    step `{"step": ..., "threshold": ..., "values": {path: flat list}}`, the threshold null of an
    optimizer that has none.

    A training that is resumed goes on in the file; steps that `Resume` takes back are replaced.

    Args:
        path: Path of the file.
        points: Integer >= 2: the greatest number of steps in the file, the last one not counted.

    Raises:
        ValueError: If `points` is out of range, or at the start of the training if the model was
            not compiled with `with_gates`.

    Example:

    ```python
    model.compile(with_gates(keras.optimizers.Adam(), GRDA(0.1, c=0.05)), loss=loss)
    model.fit(train, callbacks=[GateHistory("gates.jsonl")])
    ```
    """

    def __init__(self, path: str | os.PathLike, points: int = 200) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.points = checked_integer("points", points, 2)

    def on_train_begin(self, logs: Any = None) -> None:
        self._optimizer, gates = searched(self.model, type(self).__name__)
        self._gates = named(gates)
        self._rows: Any = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Not before: a callback that restores the training may begin after this one.
        if self._rows is None:
            self._step = steps_done(self, self._optimizer)
            self._every, self._rows = self._read()
            self._record()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # With `steps_per_execution` several more than at the last call.
        self._step = steps_done(self, self._optimizer)
        self._record()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        rows = self._rows
        if rows[-1]["step"] != self._step:
            rows = [*rows, self._row()]
        header = {"every": self._every, "gates": self._names()}
        lines = [json.dumps(line) for line in (header, *rows)]
        atomic.write_text(self.path, "\n".join(lines) + "\n")

    def _read(self):
        if not self._step or not self.path.exists():
            return 1, []
        header, rows = read_gate_history(self.path)
        every = header["every"]
        return every, [r for r in rows if r["step"] <= self._step and not r["step"] % every]

    def _record(self):
        due = not self._step % self._every
        if not due or (self._rows and self._rows[-1]["step"] == self._step):
            return
        self._rows.append(self._row())
        if len(self._rows) > self.points:
            self._every *= 2
            self._rows = [row for row in self._rows if not row["step"] % self._every]

    def _row(self):
        threshold = getattr(self._optimizer.gates_optimizer, "threshold", None)
        arrays = {name: keras.ops.convert_to_numpy(gate) for name, gate in self._gates.items()}
        values = {
            name: np.round(array.ravel().astype("float64"), DIGITS).tolist()
            for name, array in arrays.items()
        }
        return {"step": self._step, "threshold": threshold, "values": values}

    def _names(self):
        units = {
            id(layer.alpha): layer.units
            for layer in self.model._flatten_layers()
            if isinstance(layer, GatedInteraction) and layer.gated
        }
        return {
            name: {"shape": list(gate.shape), "units": units.get(id(gate))}
            for name, gate in self._gates.items()
        }
