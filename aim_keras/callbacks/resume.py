"""Training that goes on after an interruption."""

import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from aim_keras.documents import file_within, read_json, write_json

STATE = {"epoch": int, "stopped": bool, "weights": str, "seeds": list, "callbacks": list}


class Resume(keras.callbacks.Callback):
    """Lets training that was interrupted go on after its last finished epoch.

    After every epoch the weights of the model and of its optimizer are written to a new file, then
    `state.json`, which names that file and holds the epoch, the seeds of layers such as Dropout and
    the state of `callbacks`, replaces the previous one in a single step: whenever the process is
    killed, `backup_dir` holds one finished epoch, whole. (`keras.callbacks.BackupAndRestore`
    overwrites the weights before it writes their epoch, and leaves seeds and callbacks out.)

    Run the same script again, and `fit` starts at the next epoch. If the training was over, be it
    that its epochs were done or that a callback had stopped it, nothing more is trained. The backup
    stays; delete the folder to start afresh.

    List this callback last. Not restored: `History` (it has the epochs of this run only), the best
    weights that `EarlyStopping(restore_best_weights=True)` keeps in memory (refused: use
    `ModelCheckpoint(save_best_only=True)` and load its file), and the random order of the data:
    the next epoch reads it as a first one does.

    Args:
        backup_dir: Path of a folder for this training alone; made if missing.
        callbacks: List of the `EarlyStopping`, `ReduceLROnPlateau` and `ModelCheckpoint` callbacks
            of the same `fit`, in the same order in each run. Defaults to none.

    Raises:
        ValueError: If a callback keeps its best weights in memory; at the start of the training, if
            the backup belongs to other callbacks or another optimizer; at its first epoch, if this
            callback is not listed after `callbacks`.

    Example:

    ```python
    stop = keras.callbacks.EarlyStopping("val_auc", mode="max", patience=2)
    best = keras.callbacks.ModelCheckpoint(
        "best.weights.h5", "val_auc", mode="max", save_best_only=True, save_weights_only=True
    )
    model.fit(train, callbacks=[RankMetrics(valid), stop, best, Resume("backup", [stop, best])])
    model.load_weights("best.weights.h5")
    ```
    """

    def __init__(
        self, backup_dir: str | os.PathLike, callbacks: Sequence[keras.callbacks.Callback] = ()
    ) -> None:
        super().__init__()
        for callback in callbacks:
            if getattr(callback, "restore_best_weights", False):
                raise ValueError(
                    "A callback must not keep the best weights in memory, where an interruption "
                    "loses them: use ModelCheckpoint(save_best_only=True). "
                    f"Received: {type(callback).__name__}(restore_best_weights=True)"
                )
        self.backup_dir = pathlib.Path(backup_dir)
        self.callbacks = list(callbacks)
        self._restored = None

    @property
    def finished_epochs(self) -> int:
        """Int: the number of epochs in the backup, 0 without one."""
        return self._state()["epoch"]

    def _state(self):
        path = self.backup_dir / "state.json"
        if not path.exists():
            return {"epoch": 0}
        state = read_json(path, *STATE)
        if [type(state[key]) for key in STATE] != [*STATE.values()] or not all(
            isinstance(saved, dict) and "callback" in saved for saved in state["callbacks"]
        ):
            raise ValueError(
                f"{path} must have an epoch, whether it stopped, a file of weights, seeds and "
                f"callbacks. Received: {state!r:.200}"
            )
        return state

    def on_train_begin(self, logs: Any = None) -> None:
        state = self._state()
        if not state["epoch"]:
            return
        kinds = [type(callback).__name__ for callback in self.callbacks]
        if kinds != [saved["callback"] for saved in state["callbacks"]]:
            raise ValueError(
                f"The backup in {self.backup_dir} was made with the callbacks "
                f"{[saved['callback'] for saved in state['callbacks']]}. Received: {kinds}"
            )
        self._load_weights(file_within(self.backup_dir, state["weights"], "The file of weights"))
        try:
            for variable, value in zip(self._seeds(), state["seeds"], strict=True):
                variable.assign(value)
            for callback, saved in zip(self.callbacks, state["callbacks"], strict=True):
                for name in _scalars(callback):
                    setattr(callback, name, saved[name])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The backup in {self.backup_dir} must be of this model and these callbacks. "
                f"Received: {error}"
            ) from error
        self._restored = state["callbacks"]
        # Keras has no public way to move the first epoch once `fit` has begun; its own
        # BackupAndRestore sets this attribute.
        over = state["stopped"] or state["epoch"] >= self.params["epochs"]
        self.model._initial_epoch = self.params["epochs"] if over else state["epoch"]

    def _load_weights(self, path):
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        try:
            with warnings.catch_warnings():
                # Keras only warns when the optimizer's variables do not fit.
                warnings.filterwarnings("error", message="Skipping variable loading")
                self.model.load_weights(path)
        except Exception as error:  # HDF5 has one of every class for a damaged file
            raise ValueError(
                f"{path} must have the weights of this model and its optimizer, undamaged. "
                f"Received: {error}"
            ) from error

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._restored is not None and self._restored != self._states():
            raise ValueError(
                "`Resume` must be listed after the callbacks it restores. "
                f"Received: one of {[type(callback).__name__ for callback in self.callbacks]} "
                "started after it"
            )
        self._restored = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        weights = self.backup_dir / f"epoch_{epoch + 1}.weights.h5"
        self.model.save_weights(weights)
        state = {
            "epoch": epoch + 1,
            "stopped": self.model.stop_training,
            "weights": weights.name,
            "seeds": [variable.numpy().tolist() for variable in self._seeds()],
            "callbacks": self._states(),
        }
        write_json(self.backup_dir / "state.json", state)
        for old in self.backup_dir.glob("epoch_*.weights.h5"):
            if old != weights:
                old.unlink()

    def on_train_end(self, logs: Any = None) -> None:
        # A later fit of the same model starts where its caller says.
        self.model._initial_epoch = None

    def _seeds(self):
        """The states of the random generators of layers such as Dropout, which Keras leaves out of
        the weights."""
        variables = self.model.non_trainable_variables
        return [variable for variable in variables if variable.name == "seed_generator_state"]

    def _states(self):
        return [
            {
                "callback": type(callback).__name__,
                **{name: _plain(getattr(callback, name)) for name in _scalars(callback)},
            }
            for callback in self.callbacks
        ]


def _scalars(callback):
    names = ("best", "best_epoch", "wait", "stopped_epoch", "cooldown_counter")
    return [name for name in names if hasattr(callback, name)]


def _plain(value):
    """The Python number of a number of NumPy or of a tensor; JSON keeps its every bit."""
    return value if value is None or isinstance(value, int) else float(value)
