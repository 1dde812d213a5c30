"""Training that stops, with a word of why, where numbers go wrong."""

import math
from typing import Any

import keras
from keras import ops

SHOWN = 5


class RequireFinite(keras.callbacks.Callback):
    """Ends training with an error where the loss, a weight, a gate or a moment is NaN or infinite.

    The loss, where the logs have one, is looked at after every batch, everything else where it is
    not finite, and at the end of every epoch. List this callback before those that validate or
    save: then these never see, nor keep, what went wrong.

    Args:
        resume: The `Resume` of the same `fit`, to name the last good state in the error, or `None`.

    Raises:
        FloatingPointError: in training, with the step, the variables and the last good state.

    Example:

    ```python
    resume = Resume("backup")
    model.fit(train, callbacks=[RequireFinite(resume), RankMetrics(valid), resume])
    ```
    """

    def __init__(self, resume: Any = None) -> None:
        super().__init__()
        self.resume = resume

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            self._fail(f"a loss of {loss}", self._not_finite())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if found := self._not_finite():
            self._fail("a finite loss", found)

    def _not_finite(self):
        """The variables of the model and of its optimizer that are not finite, with a count."""
        found = []
        for variable in [*self.model.variables, *self.model.optimizer.variables]:
            if keras.backend.is_float_dtype(variable.dtype):
                count = int(ops.sum(ops.cast(~ops.isfinite(variable), "int32")))
                if count:
                    found.append(f"{variable.path} ({count} of {math.prod(variable.shape)} values)")
        return found

    def _fail(self, loss, found):
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise FloatingPointError(
            "Training must stay finite: a smaller learning rate or an input without NaN may help. "
            f"Received: {loss} at step {int(self.model.optimizer.iterations.numpy())}, not finite: "
            f"{', '.join(found[:SHOWN]) or 'no variable'}{more}. {self._last_good()}"
        )

    def _last_good(self):
        if self.resume is None or not self.resume.finished_epochs:
            return "No epoch was finished before."
        return (
            f"The last good state is that of epoch {self.resume.finished_epochs}, in "
            f"{self.resume.backup_dir}."
        )
