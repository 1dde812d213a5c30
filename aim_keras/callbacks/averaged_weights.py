"""Averages of the weights, with statistics of their own, for what validates and saves."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras

from aim_keras.backend import BACKEND
from aim_keras.layers import ParamFreeBatchNorm
from aim_keras.optimizers.gate_optimizer import unwrapped


class AveragedWeights(keras.callbacks.Callback):
    """Lets callbacks see the moving averages of the weights in the model, and `fit` end with them.

        w_bar <- m w_bar + (1 - m) w       after each step, by `use_ema` and `ema_momentum = m`
        mean, variance of a batch norm     over `batches`, of the activations under `w_bar`

    The moving statistics of batch norms are of the weights, not of their averages, whose
    activations have another scale: with them logits may be far too large or too small. So they are
    measured again, as means over batches in training mode.

    While `callbacks` are at the end of an epoch the model has the averages, and when `fit` ends,
    however it does. At any other time it has the weights that are trained: for all other callbacks,
    `Resume` among them, and for what `fit(validation_data=...)` measures itself. While the averages
    are in the model, one more copy of the weights is in memory.

    Args:
        batches: Iterable of batches of training data, `features` or `(features, ...)`, read at the
            end of every epoch: a few thousand rows suffice.
        callbacks: Sequence of callbacks that validate and save the averages; they are not given to
            `fit` too. Defaults to none.
        model: Keras model equal to the trained one, on which the statistics are taken, where that
            is replicated by a `tf.distribute.Strategy`. Defaults to the trained one.

    Raises:
        ValueError: if `batches` can be read only once, or is a tuple; at the start of the training
            if the optimizer has no `use_ema`; when statistics are taken if there is no batch.

    Example:

    ```python
    model.compile(keras.optimizers.Adam(use_ema=True), loss=loss)
    stop = keras.callbacks.EarlyStopping("val_auc", mode="max", restore_best_weights=True)
    model.fit(train, callbacks=[AveragedWeights(train.take(16), [RankMetrics(valid), stop])])
    ```

    References: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization,
    UAI 2018, section 3.2.
    """

    def __init__(
        self,
        batches: Iterable,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        model: keras.Model | None = None,
    ) -> None:
        super().__init__()
        is_iterable = hasattr(batches, "__iter__") and not hasattr(batches, "__next__")
        if not is_iterable or isinstance(batches, tuple):
            raise ValueError(
                "`batches` must be an iterable of batches that can be iterated over again, and no "
                "tuple, as (features, labels) is. "
                f"Received: batches of {type(batches)}"
            )
        self._batches = batches
        self._callbacks = list(callbacks)
        self._estimator = model

    def set_params(self, params: Any) -> None:
        super().set_params(params)
        for callback in self._callbacks:
            callback.set_params(params)

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        for callback in self._callbacks:
            callback.set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer = unwrapped(self.model)
        if not any(one.use_ema for one in getattr(optimizer, "optimizers", [optimizer])):
            raise ValueError(
                "The optimizer must keep averages of the weights, `use_ema=True`. "
                f"Received: optimizer={optimizer}"
            )
        for callback in self._callbacks:
            callback.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        for callback in self._callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        for callback in self._callbacks:
            callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        for callback in self._callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with self._averages() if self._callbacks else contextlib.nullcontext():
            for callback in self._callbacks:
                callback.on_epoch_end(epoch, logs)

    def on_train_end(self, logs: Any = None) -> None:
        self._estimate()  # `fit` has put the averages into the model.
        for callback in self._callbacks:
            callback.on_train_end(logs)

    @contextlib.contextmanager
    def _averages(self) -> Iterator[None]:
        trained = [
            (variable, keras.ops.convert_to_numpy(variable))
            for variable in self.model.trainable_variables + self.model.non_trainable_variables
        ]
        try:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
            self._estimate()
            yield
        finally:
            for variable, value in trained:
                variable.assign(value)

    def _estimate(self):
        if BACKEND == "jax":
            # Weights share the averages' buffers, which JAX takes back with the model's inputs.
            for variable in self.model.trainable_variables:
                variable.assign(keras.ops.copy(variable))
        estimator = self._estimator or self.model
        if estimator is not self.model:
            estimator.set_weights(self.model.get_weights())
        estimate_statistics(estimator, self._batches)
        if estimator is not self.model:
            self.model.set_weights(estimator.get_weights())


def estimate_statistics(model: keras.Model, batches: Iterable) -> None:
    """Sets the statistics of a model's batch norms to means over batches, in training mode.

    Raises:
        ValueError: if it has batch norms, but there is no batch.
    """
    kinds = (keras.layers.BatchNormalization, ParamFreeBatchNorm)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, kinds)]
    momenta = [norm.momentum for norm in norms]
    read = 0
    try:
        for batch in batches if norms else ():
            for norm in norms:
                norm.momentum = read / (read + 1)
            model(keras.utils.unpack_x_y_sample_weight(batch)[0], training=True)
            read += 1
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    if norms and not read:
        raise ValueError(f"`batches` must have a batch. Received: batches={batches}")
