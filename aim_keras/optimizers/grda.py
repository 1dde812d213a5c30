"""GRDA: the optimizer whose gates become exactly zero."""

import math
import numbers
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import check_not_negative, checked_integer
from aim_keras.backend import is_sparse


@keras.saving.register_keras_serializable(package="aim_keras")
class GRDA(keras.optimizers.Optimizer):
    """Generalized regularized dual averaging (GRDA).

    SGD on a hidden accumulator; the variable is the accumulator, soft-thresholded by a threshold
    that grows with every update. An unimportant gate falls below the threshold and is exactly zero;
    its accumulator goes on collecting gradients, so it comes back if it becomes important.

    Initialization, for one variable `w`:

    ```python
    n = 0
    v = w
    threshold = 0
    ```

    Update rule for one variable `w` with gradient `g`:

    ```python
    n = n + 1
    threshold = threshold + c * lr**(1/2 + mu) * (n**mu - (n - 1)**mu)
    v = v - lr * g
    w = sign(v) * max(abs(v) - threshold, 0)
    ```

    Notation:

    - `lr` is the learning rate of this update; with a constant one,
      `threshold = c * lr**(1/2 + mu) * n**mu`, and with a changing one it never falls
    - `n` is the number of updates of `w`
    - `v` is the accumulator, `w_0 - sum(lr * g)`
    - `c` scales the threshold, `mu` is the power by which it grows

    How to choose: a gate that starts at `w_0` and gets no net gradient is zero as soon as
    `threshold > |w_0|`, so the last threshold is what matters. It depends on the number of
    updates: `c` and `mu` of a paper prune nothing on a data set with far fewer batches. Either give
    `target_threshold` (somewhat above `|w_0|` prunes by default, below it prunes what the loss
    pushes down) and `total_steps`, or keep a known threshold by `c_new = c * (T / T_new)**mu`.
    `c` from 0 to 0.05 and `mu` from 0.5 to 1 are usual; the greater `mu`, the later the threshold
    grows. `c=0` is plain SGD.

    The variable is a function of the accumulator: a value assigned from outside after the first
    update is lost at the next one. Load weights before training. The threshold is a float32 sum:
    for `mu` up to 0.8 it is right to 3e-5 after 1e5 updates and to 4e-3 after 1e6, for a `mu` of 1
    to 1e-3 and 1e-2.

    Args:
        learning_rate: Float >= 0, a `keras.optimizers.schedules.LearningRateSchedule`, or a
            callable without arguments. Defaults to `0.005`.
        c: Float >= 0. Ignored with `target_threshold`. Defaults to `0.005`.
        mu: Float > 0. Defaults to `0.7`.
        target_threshold: Float >= 0 or None. If given, `c` is solved from it so that `threshold`
            is `target_threshold` after `total_steps` updates with `learning_rate`, which must then
            be a float > 0 or a `LearningRateSchedule`. A later change of the learning rate from
            outside, such as by `keras.callbacks.ReduceLROnPlateau`, is not accounted for.
            Defaults to `None`.
        total_steps: Int >= 1 or None: the number of updates (with `gradient_accumulation_steps`,
            not of batches). Needed with `target_threshold`, ignored without. Defaults to `None`.
        **kwargs: `name`, `clipnorm`, `clipvalue`, `global_clipnorm`, `loss_scale_factor`,
            `gradient_accumulation_steps` of `keras.optimizers.Optimizer`. `weight_decay` and
            `use_ema` are refused: the decay would be lost, an average of gates is never zero.

    Attributes:
        c: Float. The given or solved scale. It is this that is saved, not the target: a loaded
            optimizer continues as the saved one would have.

    Raises:
        ValueError: If an argument breaks its rule, or (at the first update) if a gradient is
            sparse.

    Example:

    ```python
    optimizer = GRDA(learning_rate=0.1, mu=0.6, target_threshold=0.8, total_steps=10_000)
    ```

    References:
        - [Zhu et al., 2021, AIM, Eq. 21](https://doi.org/10.1109/TKDE.2021.3134985). The paper's
          threshold for the n-th update has `(n - 1)**mu`; its published code and this class have
          `n**mu`.
        - [Chao and Cheng, 2019, A Generalization of Regularized Dual Averaging and its
          Dynamics](https://arxiv.org/abs/1909.10072)
    """

    def __init__(
        self,
        learning_rate: Any = 0.005,
        c: float = 0.005,
        mu: float = 0.7,
        target_threshold: float | None = None,
        total_steps: int | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(learning_rate, numbers.Real):
            check_not_negative("learning_rate", learning_rate)
        check_not_negative("c", c)
        check_not_negative("mu", mu)
        if mu == 0:
            raise ValueError(f"`mu` must be > 0. Received: mu={mu}")
        if target_threshold is not None and total_steps is None:
            raise ValueError(
                "`target_threshold` needs `total_steps`. Received: "
                f"target_threshold={target_threshold}, total_steps={total_steps}"
            )
        for name in ("weight_decay", "use_ema"):
            if kwargs.get(name):
                raise ValueError(f"GRDA does not support `{name}`. Received: {name}={kwargs[name]}")
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.c = float(c)
        self.mu = float(mu)
        self.target_threshold = target_threshold
        if target_threshold is not None:
            self.c = self._solve_c(learning_rate, target_threshold, total_steps)

    def _solve_c(self, learning_rate, target_threshold, total_steps):
        check_not_negative("target_threshold", target_threshold)
        total_steps = checked_integer("total_steps", total_steps)
        n = np.arange(1, total_steps + 1, dtype="float64")
        if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            # Keras asks a schedule for the rate of a batch, and updates at the last one of a group.
            batches = n * (self.gradient_accumulation_steps or 1) - 1
            rates = ops.vectorized_map(learning_rate, ops.convert_to_tensor(batches, "int32"))
            rates = np.asarray(ops.convert_to_numpy(rates), dtype="float64")
        elif isinstance(learning_rate, numbers.Real):
            rates = float(learning_rate)
        else:
            raise ValueError(
                "With `target_threshold`, `learning_rate` must be a float or a "
                f"LearningRateSchedule. Received: learning_rate={learning_rate}"
            )
        threshold_per_c = np.sum(rates ** (0.5 + self.mu) * (n**self.mu - (n - 1) ** self.mu))
        if not 0 < threshold_per_c < math.inf:
            raise ValueError(
                "With `target_threshold`, `learning_rate` must be > 0 within `total_steps`. "
                f"Received: learning_rate={learning_rate}, total_steps={total_steps}"
            )
        return float(target_threshold / threshold_per_c)

    def build(self, variables: Any) -> None:
        """Creates the accumulator, the threshold and the number of updates of each variable."""
        if self.built:
            return
        super().build(variables)
        # Zeros until the first update puts the variable's value in: a copy taken here would miss
        # weights that are loaded later, and could not be made while a function is traced.
        self._accumulators = self.add_optimizer_variables(variables, "accumulator")
        self._thresholds = [
            self.add_variable(shape=(), dtype="float32", name=f"threshold_{i}")
            for i in range(len(variables))
        ]
        self._updates = [
            self.add_variable(shape=(), dtype="int", name=f"updates_{i}")
            for i in range(len(variables))
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable and its state from a dense gradient."""
        if is_sparse(gradient):
            raise ValueError(
                "GRDA needs dense gradients: gates must not be looked up by `gather` or an "
                "embedding. Received: a sparse gradient for variable "
                f"{getattr(variable, 'path', variable.name)}"
            )
        index = self._get_variable_index(variable)
        accumulator = self._accumulators[index]
        threshold = self._thresholds[index]
        updates = self._updates[index]

        first = ops.equal(updates, 0)
        self.assign_add(updates, 1)
        rate = ops.cast(learning_rate, "float32")
        growth = self.c * ops.power(rate, 0.5 + self.mu) * power_increment(updates, self.mu)
        self.assign_add(threshold, growth)

        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        # Converted, as JAX selects only between arrays.
        start, collected = ops.convert_to_tensor(variable), ops.convert_to_tensor(accumulator)
        collected = ops.where(first, start, collected) - rate * gradient
        self.assign(accumulator, collected)
        kept = ops.maximum(ops.abs(collected) - ops.cast(threshold, variable.dtype), 0)
        self.assign(variable, ops.sign(collected) * kept)

    @property
    def threshold(self) -> Any:
        """Float: the current threshold, 0 before the first update (the largest of the variables'
        ones, which differ only if some were updated less often). Read it between steps."""
        if not self.built:
            return 0.0
        return max(float(ops.convert_to_numpy(threshold)) for threshold in self._thresholds)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "c": self.c, "mu": self.mu}


def power_increment(n, mu):
    """`n**mu - (n - 1)**mu` in float32, without the cancellation of the two powers at large `n`.

    Args:
        n: Integer tensor, >= 1.
        mu: Float > 0.

    Returns:
        Float32 tensor of the shape of `n`.
    """
    n = ops.cast(n, "float32")
    return -ops.power(n, mu) * ops.expm1(mu * ops.log1p(-1.0 / n))
