"""LazyAdam: Adam whose step on an embedding table costs what the batch touches."""

import math
import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import check_not_negative
from aim_keras.backend import USES_TENSORFLOW, is_sparse

if USES_TENSORFLOW:
    import tensorflow as tf

NARROW = 31  # numbers of a row: the kernel of sparse products has a slower loop for more


@keras.saving.register_keras_serializable(package="aim_keras")
class LazyAdam(keras.optimizers.Adam):
    """Adam that updates only the rows of a table that the batch has looked up.

    A variable with a dense gradient gets exactly Keras's `Adam`. On the TensorFlow backend a table
    that is only looked up, as in `FunctionWiseEmbedding` or `keras.layers.Embedding`, has a sparse
    gradient (`tf.IndexedSlices`); then neither the table nor its moments are read or written as a
    whole. On other backends all gradients are dense.

    Update rule for one row `w` of a variable with a sparse gradient, in a step `t = 1, 2, ...`
    whose batch looks the row up:

    ```python
    g = sum(gradients of the row) + 2 * l2 * k * w
    w = w * (1 - lr * weight_decay)**k
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    w = w - lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)
    ```

    Any other row keeps `w`, `m` and `v`.

    Notation:

    - `lr` is the learning rate of this step
    - `t` is the number of this step, of all steps and not of those that looked the row up
    - `k` is the number of steps since the row was last looked up (or since the start): 1 for a row
      of every batch
    - `m`, `v` are the row's moments, 0 at the start

    How it differs from Adam: there a row outside the batch has the gradient 0, so that its moments
    decay and it goes on moving along its old momentum. Here it rests, and the moments of a rare
    feature are averages over the batches it is in. With every row in every batch the two are equal.
    (Keras's `Adam` itself, given a sparse gradient that has a row several times, takes the sum of
    the squares of its parts for `g**2`, unlike with a dense gradient or on other backends.)

    `l2` takes the place of a regularizer `keras.regularizers.L2(l2)` of the table, which would make
    its gradient dense. All rows' gradients of `l2 * sum(w**2)` add up to those of the regularizer,
    to first order, but a rare row gets its share at once, `k` times as large, when it is next
    looked up, and Adam's step does not grow in proportion to the gradient. The loss that Keras
    reports does not include it. Variables with dense gradients take no `l2`: give them a
    regularizer. Where no gradient is sparse, `l2` is warned of.

    `weight_decay` is that of `keras.optimizers.AdamW`, but a row's decay is put off until it is
    next looked up, after the lookup: exact for a constant learning rate; a changed one counts for
    all `k` steps. What is due for rows at the end of training is left out. For `l2` and
    `weight_decay` a number for each row is stored. A dense gradient in between, which takes no `l2`
    and decays all rows once, adds nothing to `k`.

    Clipping takes the gradient of the loss, summed for each row, before `l2` is added.
    `use_ema` and `gradient_accumulation_steps` need dense gradients, as they pass over all weights.
    `keras.optimizers.LossScaleOptimizer`, which Keras puts around the optimizer under the policy
    `mixed_float16`, gives the right result, but checks a gradient the size of the table for
    infinities; `loss_scale_factor` does not. A constraint passes over its whole variable.

    Args:
        learning_rate: Float, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable
            without arguments. Defaults to `0.001`.
        beta_1: Float in [0, 1). Defaults to `0.9`.
        beta_2: Float in [0, 1). Defaults to `0.999`.
        epsilon: Float. Defaults to `1e-7`.
        l2: Float >= 0: row-wise L2 for sparse gradients. Defaults to `0.0`.
        **kwargs: of `keras.optimizers.Adam`, without `amsgrad`.

    Raises:
        ValueError: If an argument breaks its rule, if `l2` is given on another backend than
            TensorFlow, or (at the first update) if a gradient is sparse and `use_ema` or
            `gradient_accumulation_steps` is given.

    Example:

    ```python
    model.compile(
        with_gates(weights=LazyAdam(1e-3, l2=1e-6), gates=GRDA(0.1, c=0.05, mu=0.6)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    ```

    References:
        - [Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980)
        - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101), for `weight_decay`
    """

    loss_scale_factor: float | None

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        check_not_negative("l2", l2)
        if l2 and not USES_TENSORFLOW:
            raise ValueError(
                "`l2` needs the sparse gradients of the TensorFlow backend: elsewhere give the "
                f"table a regularizer. Received: l2={l2}"
            )
        amsgrad = kwargs.pop("amsgrad", False)
        if amsgrad:
            raise ValueError(f"LazyAdam does not support `amsgrad`. Received: amsgrad={amsgrad}")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.l2: float = float(l2)

    def build(self, variables: Any) -> None:
        """Creates the moments and, where they are needed, the steps of each row's last lookup."""
        if self.built:
            return
        super().build(variables)
        self._last_steps = []
        if self.l2 or self.weight_decay:
            self._last_steps = [
                self.add_variable(shape=variable.shape[:1], dtype="int", name=f"last_step_{i}")
                for i, variable in enumerate(variables)
            ]

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates the variables, each by its dense or sparse gradient."""
        grads = list(grads)
        if not any(is_sparse(gradient) for gradient in grads):
            if self.l2:
                warnings.warn(
                    f"l2={self.l2} has no effect, as no gradient is sparse: a table with a "
                    "regularizer has a dense one. Give it one of the two",
                    stacklevel=2,
                )
            super().apply(grads, trainable_variables)
            return
        for name in ("use_ema", "gradient_accumulation_steps"):
            if getattr(self, name):
                raise ValueError(
                    f"With `{name}` LazyAdam needs dense gradients: it passes over whole tables. "
                    f"Received: {name}={getattr(self, name)} and a sparse gradient"
                )
        scale = self.loss_scale_factor
        if scale is not None:  # Keras divides by `/`, which sparse gradients do not have.
            grads = [
                None if gradient is None else ops.divide(gradient, scale) for gradient in grads
            ]
        self.loss_scale_factor = None
        try:
            super().apply(grads, trainable_variables)
        finally:
            self.loss_scale_factor = scale

    def _clip_gradients(self, grads):
        clips = self.clipnorm or self.global_clipnorm or self.clipvalue
        if not clips or not any(is_sparse(gradient) for gradient in grads):
            return super()._clip_gradients(grads)
        # All other rows are zeros, which neither add to a norm nor are clipped.
        grads = [_distinct(gradient) if is_sparse(gradient) else gradient for gradient in grads]
        clipped = super()._clip_gradients([_values(gradient) for gradient in grads])
        return [
            tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
            if is_sparse(gradient)
            else values
            for values, gradient in zip(clipped, grads, strict=True)
        ]

    def _apply_weight_decay(self, variables):
        """Does nothing: it is part of `update_step`, which knows the rows."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable and its moments, or only the rows of its sparse gradient."""
        if is_sparse(gradient):
            self._update_rows(gradient, variable, learning_rate)
            return
        if self._last_steps:
            last_steps = self._last_steps[self._get_variable_index(variable)]
            self.assign_add(last_steps, ops.ones(last_steps.shape, last_steps.dtype))
        if self.weight_decay and self._use_weight_decay(variable):
            rate = ops.cast(learning_rate, variable.dtype)
            self.assign_sub(variable, variable * ops.cast(self.weight_decay, variable.dtype) * rate)
        super().update_step(gradient, variable, learning_rate)

    def _update_rows(self, gradient, variable, learning_rate):
        # Keras's own variables are read as a whole by almost every operation on them.
        index = self._get_variable_index(variable)
        variable, momentum, velocity = (
            _native(of_table)
            for of_table in (variable, self._momentums[index], self._velocities[index])
        )
        dtype = variable.dtype
        # A sum over replicas has lost the shape of a row.
        values = tf.ensure_shape(gradient.values, [None, *variable.shape[1:]])
        gradient = _distinct(tf.IndexedSlices(values, gradient.indices, gradient.dense_shape))
        rows, g = gradient.indices, tf.cast(gradient.values, dtype)  # (rows,), (rows, ...)
        w, m, v = (tf.gather(of_table, rows) for of_table in (variable, momentum, velocity))

        step = self.iterations + 1
        if self._last_steps:
            last_steps = _native(self._last_steps[index])
            last = tf.gather(last_steps, rows)
            steps = step - last
            # Not `step`: XLA copies a variable that it may write before it is read.
            _set_rows(last_steps, rows, last + steps)
            steps = tf.reshape(tf.cast(steps, "float32"), [-1] + [1] * (len(variable.shape) - 1))
            if self.l2:
                g += tf.cast(2 * self.l2 * steps, dtype) * w
            if self.weight_decay and self._use_weight_decay(variable):
                log_decay = tf.math.log1p(-tf.cast(learning_rate, "float32") * self.weight_decay)
                w += tf.cast(tf.math.expm1(steps * log_decay), dtype) * w

        rate, t = tf.cast(learning_rate, dtype), tf.cast(step, dtype)
        beta_1_power = tf.pow(tf.cast(self.beta_1, dtype), t)
        beta_2_power = tf.pow(tf.cast(self.beta_2, dtype), t)
        alpha = rate * tf.sqrt(1 - beta_2_power) / (1 - beta_1_power)
        m += (g - m) * (1 - self.beta_1)
        v += (tf.square(g) - v) * (1 - self.beta_2)
        _set_rows(momentum, rows, m)
        _set_rows(velocity, rows, v)
        _set_rows(variable, rows, w - m * alpha / (tf.sqrt(v) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "l2": self.l2}
        del config["amsgrad"]
        return config


def _values(gradient):
    return gradient.values if is_sparse(gradient) else gradient


def _native(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable


def _set_rows(variable, rows, values):
    variable.scatter_update(tf.IndexedSlices(values, rows))


def _distinct(gradient):
    """A sparse gradient with each of its rows once: the sum of those given.

    XLA gets one of unchanged length, as `tf.unique` is slow there: behind the distinct rows there
    are zeros for a row beyond every table, which XLA leaves out of a scatter.
    """
    rows, values = gradient.indices, gradient.values
    if not _compiled_by_xla():
        rows, places = tf.unique(rows, out_idx="int64")
        return tf.IndexedSlices(_sums(values, places, rows), rows, gradient.dense_shape)
    length = tf.shape(rows)[0]
    order = tf.argsort(rows)
    rows = tf.gather(rows, order)
    changes = tf.cast(rows[1:] != rows[:-1], "int32")
    places = tf.concat([[0], tf.cumsum(changes)], axis=0)[:length]
    values = tf.math.unsorted_segment_sum(tf.gather(values, order), places, length)
    rows = tf.math.unsorted_segment_min(rows, places, length)  # the largest integer for none
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _sums(values, places, rows):
    """The sums of the values of each distinct row, by products with a sparse matrix of ones and
    zeros: TensorFlow sums so several times as fast as by segments."""
    width = values.shape[1] if len(values.shape) == 2 else 1
    if not 1 < width <= 4 * NARROW or values.dtype != "float32":
        return tf.math.unsorted_segment_sum(values, places, tf.shape(rows)[0])
    number = tf.size(places, tf.int64)
    ones = tf.SparseTensor(
        tf.stack([tf.range(number), places], axis=1),
        tf.ones([number], values.dtype),
        tf.stack([number, tf.size(rows, tf.int64)]),
    )
    parts = np.array_split(np.arange(width), math.ceil(width / NARROW))
    sums = [
        tf.sparse.sparse_dense_matmul(ones, part, adjoint_a=True)
        for part in tf.split(values, [len(part) for part in parts], axis=1)
    ]
    return tf.concat(sums, axis=1) if sums[1:] else sums[0]


def _compiled_by_xla():
    """Whether the function that is being traced has `jit_compile=True`."""
    try:
        from tensorflow.python.ops import control_flow_util
    except ImportError:  # TensorFlow does not promise this module; without it XLA is slower.
        return False
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
