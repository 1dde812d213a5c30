"""Interactions of groups of fields (AutoGroup)."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import checked_integer
from aim_keras.layers.gates import GATE_ALPHA
from aim_keras.layers.param_free_batch_norm import ParamFreeBatchNorm


@keras.saving.register_keras_serializable("aim_keras")
class GroupInteraction(keras.layers.Layer):
    """Interactions of one order of groups of fields.

        u_j = sum_i z_{i,j} w_{i,j} BN(e_i)
        I_j = u_j                                                            (order 1)
        I_j = sum_d (u_{j,d}^p - sum_i (z_{i,j} w_{i,j} BN(e_i)_d)^p)        (order p >= 2)

    with a weight `w_{i,j}` for each field and group, and `z_{i,j}` whether field `i` is in group
    `j`. For `p = 2` this is twice the sum over the pairs of members.

    In a search `z` is sampled once a batch in training, by the Gumbel-softmax of two choices, whose
    noise is logistic, and passes its gradient straight through:

        y = sigmoid((alpha + log(U / (1 - U))) / temperature),  U ~ U(0, 1)
        z = 1 if y > 1/2 else 0,                                dz/dalpha = dy/dalpha

    and at inference, or in a layer that is not `trainable`, `z = 1 if alpha > 0 else 0`. The gates
    `alpha` start in U(-0.001, 0.001), so that groups start as random halves of the fields; `GRDA`
    would prune them all: they are trained by another optimizer, such as `Adam`.

    Args:
        order: Integer >= 1.
        groups: Sequence of groups, each a sequence of positions of fields; in a search those that
            may be in it.
        searched: Whether there are gates.
        temperature: Float > 0.
        epsilon: of the `ParamFreeBatchNorm` of the embeddings.
        momentum: of the `ParamFreeBatchNorm` of the embeddings.

    Input shape: `(batch, fields, dim)`. Output shape: `(batch, dim * groups)` for order 1,
    `(batch, groups)` for any other.

    Raises:
        ValueError: on an order below 1, a negative or repeated position, a temperature that is not
            above 0, or an input without a field that a group names.

    Example:

    ```pycon
    >>> groups = [[0, 1, 2], [1, 2]]
    >>> GroupInteraction(order=2, groups=groups)(np.ones((8, 3, 5))).shape
    (8, 2)
    ```

    Reference: Liu et al., AutoGroup, SIGIR 2020.
    """

    def __init__(
        self,
        order: int,
        groups: Any,
        searched: bool = False,
        temperature: float = 0.1,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0. Received: temperature={temperature}")
        self.order = checked_integer("order", order)
        self.groups = [list(group) for group in groups]
        if any(min(group, default=0) < 0 or len({*group}) < len(group) for group in self.groups):
            raise ValueError(
                f"groups must be of different positions, from 0 on. Received: groups={groups}"
            )
        self.searched = searched
        self.temperature = temperature
        self.epsilon = epsilon
        self.momentum = momentum
        options = {"dtype": self.dtype_policy, "trainable": self.trainable, "name": "batch_norm"}
        self.batch_norm = ParamFreeBatchNorm(epsilon, momentum, **options)
        self.seed_generator = keras.random.SeedGenerator() if searched else None

    def build(self, input_shape: tuple) -> None:
        fields_needed = max(
            (position + 1 for group in self.groups for position in group), default=0
        )
        known = len(input_shape) == 3 and input_shape[1] is not None
        if not known or input_shape[1] < fields_needed:
            raise ValueError(
                f"The input must be (batch, fields, dim), with at least {fields_needed} fields. "
                f"Received: shape {input_shape}"
            )
        num_fields = input_shape[1]
        shape = (num_fields, len(self.groups))
        self._candidates = np.zeros(shape, "float32")
        for j, group in enumerate(self.groups):
            self._candidates[group, j] = 1
        self.weight = self.add_weight(shape, "glorot_uniform", name="weight")
        if self.searched:
            start = keras.initializers.RandomUniform(-0.001, 0.001)
            self.alpha = self.add_weight(
                shape, start, name=GATE_ALPHA, dtype="float32", autocast=False
            )
        self.batch_norm.build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        e = self.batch_norm(inputs, training=training)  # (batch, fields, dim)
        weight = self._membership(training) * self.weight  # (fields, groups)
        u = ops.matmul(ops.transpose(e, (0, 2, 1)), weight)  # (batch, dim, groups)
        if self.order == 1:
            return ops.reshape(u, (-1, u.shape[1] * u.shape[2]))
        alone = ops.matmul(ops.sum(self._power(e), axis=2), self._power(weight))
        return ops.sum(self._power(u), axis=1) - alone

    def _membership(self, training):
        candidates = ops.convert_to_tensor(self._candidates, self.compute_dtype)
        if not self.searched:
            return candidates
        return candidates * ops.cast(self._inside(training and self.trainable), candidates.dtype)

    def _inside(self, sampled):
        alpha = ops.convert_to_tensor(self.alpha)
        if not sampled:
            return alpha > 0
        uniform = keras.random.uniform(
            alpha.shape, minval=1e-7, dtype="float32", seed=self.seed_generator
        )
        noisy = alpha + ops.log(uniform) - ops.log1p(-uniform)
        y = ops.sigmoid(noisy / self.temperature)
        return ops.cast(noisy > 0, "float32") + (y - ops.stop_gradient(y))

    def _power(self, x):
        return functools.reduce(ops.multiply, [x] * self.order)

    def members(self) -> list[list[int]]:
        """The positions of the fields in each group, as they are at inference."""
        if not self.searched:
            return self.groups
        inside = (ops.convert_to_numpy(self.alpha) > 0) & (self._candidates > 0)
        return [np.flatnonzero(group).tolist() for group in inside.T]

    def compute_output_shape(self, input_shape: tuple) -> Any:
        batch, _, dim = input_shape
        return (batch, len(self.groups) * (dim if self.order == 1 else 1))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "order": self.order,
            "groups": self.groups,
            "searched": self.searched,
            "temperature": self.temperature,
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }
