"""A search whose gates are trained on other rows than the weights."""

from typing import Any

import keras
import tensorflow as tf

from aim_keras.arguments import checked_integer
from aim_keras.backend import BACKEND, USES_TENSORFLOW
from aim_keras.callbacks.searched import searched


class GateSteps(keras.callbacks.Callback):
    """Steps of the gates on other rows than those of the weights (DARTS, of first order).

        after every `every` steps   W <- W - lr * d loss(train; W, gates) / d W
        one                         gates <- gates - lr * d loss(other; W, gates) / d gates

    each with its own optimizer. Gates that see the rows of the weights keep whatever fits these,
    which is nearly everything; on other rows they keep what generalises.

    Args:
        data: Iterable of batches `(features, labels)`, or with sample weights too, such as a
            batched and repeated `tf.data.Dataset`: as many as there are steps of the gates.
        every: Integer >= 1: the number of steps of the weights in an epoch before each of the
            gates. Defaults to 10.

    Raises:
        ValueError: If `every` is out of range; at the start of the training if the model was not
            compiled with `with_gates(..., joint=False)`, or under the policy `mixed_float16`, whose
            losses are scaled; when `data` ends before the training.
        RuntimeError: at the start of the training, on another backend than TensorFlow.

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
        self.every = checked_integer("every", every)
        self._batches = iter(data)

    def on_train_begin(self, logs: Any = None) -> None:
        if not USES_TENSORFLOW:
            raise RuntimeError(
                f"`GateSteps` takes its steps in TensorFlow. Received: backend={BACKEND!r}"
            )
        searching, gates = searched(self.model, type(self).__name__)
        if searching.joint or searching is not self.model.optimizer:
            raise ValueError(
                "`GateSteps` needs a model that was compiled with `with_gates(..., joint=False)`, "
                f"not under `mixed_float16`. Received: optimizer={self.model.optimizer}"
            )
        optimizer = searching.gates_optimizer
        # Where all weights are frozen, their optimizer takes no steps to count.
        has_weights = len(self.model.trainable_variables) > len(gates)
        self._counting = searching.weights_optimizer if has_weights else searching

        @tf.function(reduce_retracing=True)
        def step(features, labels, weights=None):
            with tf.GradientTape() as tape:
                logits = self.model(features, training=True)
                loss = self.model.compute_loss(features, labels, logits, weights)
                loss = optimizer.scale_loss(loss)
            gradients = tape.gradient(loss, [gate.value for gate in gates])
            optimizer.apply(gradients, gates)

        self._step = step

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begun, self._done = int(self._counting.iterations.numpy()), 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # With `steps_per_execution` several steps have passed.
        due = (int(self._counting.iterations.numpy()) - self._begun) // self.every
        for _ in range(due - self._done):
            # Keras would take a StopIteration for the end of the epoch's rows.
            if (rows := next(self._batches, None)) is None:
                raise ValueError("`data` must have a batch for each step of the gates. It ended.")
            self._step(*rows)
        self._done = due
