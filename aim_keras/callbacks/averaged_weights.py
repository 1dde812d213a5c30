"""Averages of the weights, with statistics of their own, at the end of each epoch."""

from collections.abc import Iterable
from typing import Any

import keras

from aim_keras.layers import ParamFreeBatchNorm


class AveragedWeights(keras.callbacks.SwapEMAWeights):
    """Puts the moving averages of the weights into the model, from the end of an epoch to the next.

        w_bar <- m w_bar + (1 - m) w       after each step, by `use_ema` and `ema_momentum = m`
        mean, variance of a batch norm     over `batches`, of the activations under `w_bar`

    The moving statistics of batch norms are of the weights, not of their averages, whose
    activations have another scale: under them logits may be far too large or too small. So they are
    taken again, as means over batches in training mode. When the next epoch begins the model has
    its weights and statistics back, and at the end of training the averages. Callbacks behind this
    one validate and save the averages.

    Args:
        batches: Iterable of batches of training data, `features` or `(features, ...)`, read at the
            end of every epoch: a few thousand rows are enough.
        model: Keras model equal to the trained one, on which the statistics are taken, where that
            is replicated by a `tf.distribute.Strategy`. Defaults to the trained one.

    Raises:
        ValueError: at the end of the first epoch if the optimizer has no `use_ema`.

    Example:

    ```python
    model.compile(keras.optimizers.Adam(use_ema=True), loss=loss)
    model.fit(train, callbacks=[AveragedWeights(train.take(16)), RankMetrics(valid)])
    ```

    References: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization,
    UAI 2018, section 3.2.
    """

    def __init__(self, batches: Iterable, model: keras.Model | None = None) -> None:
        super().__init__(swap_on_epoch=True)
        self._batches = batches
        self._estimator = model
        self._of_training: list[tuple[keras.Variable, Any]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        self._of_training = [
            (variable, keras.ops.convert_to_numpy(variable))
            for variable in self.model.non_trainable_variables
        ]
        self._estimate()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        for variable, value in self._of_training:
            variable.assign(value)
        self._of_training = []

    def on_train_end(self, logs: Any = None) -> None:
        self._estimate()  # `fit` has put the averages into the model.

    def _estimate(self):
        estimator = self._estimator or self.model
        if estimator is not self.model:
            estimator.set_weights(self.model.get_weights())
        estimate_statistics(estimator, self._batches)
        if estimator is not self.model:
            self.model.set_weights(estimator.get_weights())


def estimate_statistics(model: keras.Model, batches: Iterable) -> None:
    """Sets the statistics of a model's batch norms to means over batches, in training mode."""
    kinds = (keras.layers.BatchNormalization, ParamFreeBatchNorm)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, kinds)]
    momenta = [norm.momentum for norm in norms]
    try:
        for number, batch in enumerate(batches if norms else ()):
            for norm in norms:
                norm.momentum = number / (number + 1)
            model(keras.utils.unpack_x_y_sample_weight(batch)[0], training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
