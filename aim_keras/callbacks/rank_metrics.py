"""Exact metrics on validation data."""

import logging
from typing import Any

import keras
import numpy as np

from aim_keras import metrics
from aim_keras.metrics.exact import are_probabilities

logger = logging.getLogger(__name__)


class RankMetrics(keras.callbacks.Callback):
    """Puts the exact AUC and log loss on validation data into the logs of every epoch.

    The logs get `val_auc` and `val_log_loss`, from one pass over the data. List this callback
    before those that monitor them, and give these the mode, which Keras cannot infer.

    Args:
        validation_data: Tuple `(features, labels)` or `(features, labels, sample_weights)` of
            arrays, or an iterable of such tuples that can be iterated over every epoch, such as a
            batched `tf.data.Dataset`. Labels are 0 and 1; the model's outputs for the features must
            be logits, or probabilities. With weights both metrics are weighted.
        prefix: String before the names in the logs. Defaults to `"val_"`.
        batch_size: Int, batch size for a tuple of arrays. Defaults to `1024`.
        logit_shift: Float that is added to the logits for the log loss, such as `log(rate)` where
            negatives were sampled down at a rate in training. Defaults to `0.0`.
        from_logits: Boolean, whether the model's outputs are logits, or probabilities. Defaults to
            `True`.

    Raises:
        ValueError: If `validation_data` is neither, or, at the end of an epoch, if it is empty, the
            model has several outputs, or the metrics do not take its labels or the logits (NaN,
            labels of one class).

    Example:

    ```python
    model.fit(
        train,
        callbacks=[
            RankMetrics(valid),
            keras.callbacks.EarlyStopping("val_auc", mode="max", patience=2),
        ],
    )
    ```
    """

    def __init__(
        self,
        validation_data: Any,
        prefix: str = "val_",
        batch_size: int = 1024,
        logit_shift: float = 0.0,
        from_logits: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(prefix, str):
            raise ValueError(f"`prefix` must be a string. Received: prefix={prefix!r:.80}")
        if isinstance(validation_data, tuple):
            valid = len(validation_data) in (2, 3)
        else:
            valid = hasattr(validation_data, "__iter__") and not hasattr(
                validation_data, "__next__"
            )
            if isinstance(validation_data, list):
                valid = all(isinstance(batch, tuple | list) for batch in validation_data)
        if not valid:
            raise ValueError(
                "`validation_data` must be a tuple (features, labels) or (features, labels, "
                "sample_weights), or an iterable of such batches that can be iterated over again. "
                f"Received: validation_data of {type(validation_data)}"
            )
        self.validation_data = validation_data
        self.prefix = prefix
        self.batch_size = batch_size
        self.logit_shift = logit_shift
        self.from_logits = from_logits

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        values = rank_metrics(
            self.model,
            self.validation_data,
            self.batch_size,
            logit_shift=self.logit_shift,
            from_logits=self.from_logits,
        )
        for name, value in values.items():
            logs[f"{self.prefix}{name}"] = value


def rank_metrics(
    model: keras.Model,
    data: Any,
    batch_size: int = 1024,
    verbose: int = 0,
    logit_shift: float = 0.0,
    from_logits: bool = True,
) -> dict[str, float]:
    """The exact AUC and log loss of a model.

    Args:
        model: Keras model.
        data: as `RankMetrics` takes them.
        batch_size: Int, batch size for a tuple of arrays. Defaults to `1024`.
        verbose: 1 for a progress bar, 0 for silence. Defaults to `0`.
        logit_shift, from_logits: as of `RankMetrics`.

    Returns:
        `{"auc": ..., "log_loss": ...}`.

    Raises:
        ValueError: If the data are empty, the model has several outputs, or the metrics do not take
            the labels or the logits.
    """
    if len(getattr(model, "output_names", ())) > 1:
        raise ValueError(
            "The model must have one output; of several take `keras.Model(model.inputs, "
            f"model.outputs[i])`. Received: {model.name} with the outputs {model.output_names}"
        )
    if isinstance(data, tuple):
        features, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        logits = model.predict(features, batch_size=batch_size, verbose=verbose)
    else:
        progress = keras.utils.Progbar(
            len(data) if hasattr(data, "__len__") else None, verbose=verbose
        )
        batches = []
        # Labels and logits of the same pass, so that the data may be shuffled.
        for batch in data:
            features, *others = keras.utils.unpack_x_y_sample_weight(batch)
            given = [np.asarray(array) for array in others if array is not None]
            batches.append((model.predict_on_batch(features), *given))
            progress.add(1)
        if not batches:
            raise ValueError("The data must have at least one batch. Received: none")
        logits, labels, *weights = map(np.concatenate, zip(*batches, strict=True))
        weights = weights[0] if weights else None
    logits = np.asarray(logits)
    if not from_logits:
        logits = _logits_of(logits)
    elif are_probabilities(logits):
        logger.warning(
            "All outputs are from 0 to 1, so they may be probabilities: then the log loss is right "
            "with `from_logits=False` only."
        )
    return {
        "auc": metrics.auc(labels, logits, weights),
        "log_loss": metrics.log_loss(labels, logits + logit_shift, weights),
    }


def _logits_of(probabilities):
    """Keras's losses, too, take probabilities as at least 1e-7 away from 0 and 1."""
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError(
            "The outputs must be probabilities, from 0 to 1, where `from_logits` is False. "
            f"Received: from {np.min(probabilities)} to {np.max(probabilities)}"
        )
    p = np.clip(probabilities.astype("float64"), 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)
