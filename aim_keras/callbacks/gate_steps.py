"""A search whose gates are trained on other rows than the weights."""

import re
from typing import Any

import keras
import tensorflow as tf


class GateSteps(keras.callbacks.Callback):
    """Steps of the gates on other rows than those of the weights (DARTS, of first order).

        after every `every` steps   W <- W - lr * d loss(train; W, gates) / d W
        one                         gates <- gates - lr * d loss(other; W, gates) / d gates

    each with its own optimizer. Gates that see the rows of the weights keep whatever fits these,
    which is nearly everything; on other rows they keep what generalises.

    Args:
        data: Iterable of batches `(features, labels)`, or with sample weights too, such as a
            batched `tf.data.Dataset`: as many as there are steps of the gates.
        every: Integer >= 1: the number of steps of the weights in an epoch before each of the
            gates. Defaults to 10.

    Raises:
        ValueError: If `every` is out of range, or at the start of the training if the model was
            not compiled with `with_gates(..., joint=False)`.

    Example:

    ```python
    model.compile(
        with_gates(keras.optimizers.Adam(), keras.optimizers.Adam(), joint=False), loss=loss
    )
    model.fit(train, callbacks=[GateSteps(valid.shuffle(100).repeat())])
    ```

    References: Liu et al., DARTS, ICLR 2019; Zhao et al., AutoDim, WWW 2021.
    """

    def __init__(self, data: Any, every: int = 10) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be at least 1. Received: every={every}")
        self.every = every
        self._batches = iter(data)

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        if getattr(optimizer, "joint", True):
            raise ValueError(
                "`GateSteps` needs a model that was compiled with `with_gates(..., joint=False)`. "
                f"Received: optimizer={optimizer}"
            )
        gates = [
            variable
            for variable in self.model.trainable_variables
            if re.fullmatch(optimizer.pattern, variable.path)
        ]

        @tf.function(reduce_retracing=True)
        def step(features, labels, weights=None):
            with tf.GradientTape() as tape:
                logits = self.model(features, training=True)
                loss = self.model.compute_loss(features, labels, logits, weights)
            gradients = tape.gradient(loss, [gate.value for gate in gates])
            optimizer.gates_optimizer.apply(gradients, gates)

        self._step = step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (batch + 1) % self.every == 0:
            self._step(*next(self._batches))
