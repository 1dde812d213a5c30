"""Gates on embedding dimensions (EDS)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import checked_integers
from aim_keras.documents import checked_names
from aim_keras.layers.gates import (
    GATE_BETA,
    check_candidates,
    check_embeddings,
    check_names,
    gate_initializer,
)
from aim_keras.layers.param_free_batch_norm import ParamFreeBatchNorm


@keras.saving.register_keras_serializable("aim_keras")
class DimensionGate(keras.layers.Layer):
    """Gates on embedding dimensions (EDS): which dimensions each field needs.

        e'_{k,i} = beta_i * BN(e_{k,i})        per field, shared by the functions k (the paper)
        e'_{k,i} = beta_{k,i} * BN(e_{k,i})    per function and field (the published code)

    `beta` is trained by an optimizer that makes it sparse (`GRDA`); the dimensions with a
    non-zero gate are kept (Eq. 16 and 17). In this stage interactions have no gates of their own,
    `GatedInteraction(gated=False)`: their batch norm would undo the scale of a gate.

    Args:
        functions: Sequence of strings: the interaction functions of the embedding axis, in order.
        orders: Sequence of integers >= 2: the orders of the interactions that read the embeddings.
        fields: Sequence of field names; positions 0, 1, ... where `None`.
        per_function: Boolean, a gate for each function and field instead of for each field.
        normalize: Boolean, whether each coordinate is batch-normalized before its gate, as in the
            published code, so that a gate cannot trade its scale with its embedding's.
        epsilon: of the `ParamFreeBatchNorm`.
        momentum: of the `ParamFreeBatchNorm`.

    Input shape: `(batch, functions, fields, dim)`; `(batch, 1, fields, dim)` or
    `(batch, fields, dim)` for one embedding shared by all functions. Output shape: the same.

    Raises:
        ValueError: on an unknown or repeated function or field, a wrong order, or an input whose
            axes do not have the lengths of `functions` and `fields`.

    Example:

    ```pycon
    >>> embeddings = FunctionWiseEmbedding([1000, 50], embedding_dim=4)(np.array([[1, 2], [3, 4]]))
    >>> gate = DimensionGate(fields=["user", "item"])
    >>> outputs = gate(embeddings, training=True)  # at inference gate(embeddings)
    >>> gate.kept_dimensions()  # every gate starts open
    {'inner': {'user': (0, 1, 2, 3), 'item': (0, 1, 2, 3)}}
    ```

    Reference: AIM, section 3.4, Eq. 15; section 3.6 for the normalization.
    """

    def __init__(
        self,
        functions: Sequence[str] = ("inner",),
        orders: Sequence[int] = (2,),
        fields: Sequence | None = None,
        per_function: bool = False,
        normalize: bool = True,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.functions = checked_names(functions, "functions")
        self.orders = checked_integers("orders", orders, least=2)
        self.fields = None if fields is None else tuple(fields)
        self._check_candidates()
        self.per_function = per_function
        self.normalize = normalize
        self.epsilon = epsilon
        self.momentum = momentum
        options = {"dtype": self.dtype_policy, "trainable": self.trainable, "name": "batch_norm"}
        self.batch_norm: Any = (
            ParamFreeBatchNorm(epsilon, momentum, **options) if normalize else None
        )

    def _check_candidates(self):
        if not self.orders:
            raise ValueError(f"orders must hold at least one. Received: orders={self.orders}")
        for order in self.orders:
            check_candidates(self.functions, order, self.fields)

    def build(self, input_shape: tuple) -> None:
        check_embeddings("DimensionGate", input_shape, self.functions)
        num_embeddings = input_shape[1] if len(input_shape) == 4 else 1
        num_fields, dim = input_shape[-2:]
        if self.per_function and num_embeddings != len(self.functions):
            raise ValueError(
                "per_function gates need function-wise embeddings. Received: one shared embedding "
                f"for the functions {self.functions}"
            )
        if self.fields is None:
            self.fields = tuple(range(num_fields))
            self._check_candidates()
        check_names(self.fields, num_fields)
        self._build_gates((num_embeddings if self.per_function else 1, num_fields), dim)
        if self.normalize:
            self.batch_norm.build(input_shape)

    def _build_gates(self, shape, dim):
        self.beta = self.add_weight(
            (*shape, dim), gate_initializer(), name=GATE_BETA, dtype="float32", autocast=False
        )

    def gates(self, training: bool = False) -> Any:
        """What each dimension is multiplied by: `(functions or 1, fields, dim)`."""
        return self.beta

    def call(self, inputs: Any, training: bool = False) -> Any:
        if self.normalize:
            inputs = self.batch_norm(inputs, training=training)
        return inputs * ops.cast(self.gates(training), self.compute_dtype)

    def affine(self) -> tuple:
        """What the gate is at inference: `scale` and `shift` of `e' = scale * e + shift`."""
        beta = ops.convert_to_numpy(self.gates())
        if not self.normalize:
            return beta, np.zeros_like(beta)
        norm = self.batch_norm
        mean, variance = (w.numpy() for w in (norm.moving_mean, norm.moving_variance))
        scale = beta / np.sqrt(variance + norm.epsilon)
        return scale, -scale * mean

    def kept_dimensions(self, threshold: float = 0.0) -> dict:
        """Kept positions, `{function: {field: positions}}`: those with `|beta| > threshold`."""
        return self._positions(np.abs(ops.convert_to_numpy(self.beta)) > threshold)

    def _positions(self, kept):
        return {
            function: {
                field: tuple(kept[k if self.per_function else 0, i].nonzero()[0].tolist())
                for i, field in enumerate(self.fields)
            }
            for k, function in enumerate(self.functions)
        }

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "functions": self.functions,
            "orders": self.orders,
            "fields": self.fields,
            "per_function": self.per_function,
            "normalize": self.normalize,
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }
