"""Compressed interaction network (CIN)."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from aim_keras.arguments import checked_integers


@keras.saving.register_keras_serializable("aim_keras")
class CompressedInteraction(keras.layers.Layer):
    """Compressed interaction network (CIN): interactions of one order more in each layer.

        x^k_{h,d} = sum_{i,j} W^k_{h,i,j} x^{k-1}_{i,d} x^0_{j,d},  p^k_h = sum_d x^k_{h,d}

    The output is `p^k_h` of all layers, none split in halves. Each layer is one matrix product of
    `W^k` with the products of all `(i, j)`. Of the last layer only the sum over `d` is read, which
    needs those products summed over `d` alone: a Gram matrix, `dim` times smaller and faster.

    Args:
        units: Sequence of integers >= 1: the width of each layer.

    Input shape: `(batch, fields, dim)`. Output shape: `(batch, sum(units))`.

    Raises:
        ValueError: on an argument or an input shape outside these rules.

    Example:

    ```pycon
    >>> CompressedInteraction([100, 50])(np.ones((2, 24, 40))).shape
    (2, 150)
    ```

    Reference: Lian et al., xDeepFM, KDD 2018, Eq. 6 and 7.
    """

    def __init__(self, units: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = checked_integers("units", units)
        if not self.units:
            raise ValueError(f"units must hold at least one. Received: units={units}")

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3 or input_shape[1] is None:
            raise ValueError(
                "CompressedInteraction takes embeddings of known fields, (batch, fields, dim). "
                f"Received: shape {tuple(input_shape)}"
            )
        fields = input_shape[1]
        self.kernels = [
            self.add_weight((before * fields, after), name=f"kernel_{k}")
            for k, (before, after) in enumerate(itertools.pairwise((fields, *self.units)), start=1)
        ]

    def call(self, inputs: Any) -> Any:
        *hidden, last = self.kernels
        x_0 = ops.transpose(inputs, (0, 2, 1))
        x, pooled = x_0, []
        for kernel in hidden:
            products = ops.expand_dims(x, 3) * ops.expand_dims(x_0, 2)  # (batch, dim, i, j)
            x = ops.matmul(_joined(products), kernel)  # (batch, dim, units)
            pooled.append(ops.sum(x, axis=1))
        gram = ops.matmul(ops.transpose(x, (0, 2, 1)), x_0)  # (batch, i, j)
        pooled.append(ops.matmul(_joined(gram), last))
        return ops.concatenate(pooled, axis=1)

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return (input_shape[0], sum(self.units))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def _joined(products):
    """The last two axes, `i` and `j`, as one."""
    *outer, i, j = products.shape
    return ops.reshape(products, (-1, *outer[1:], i * j))
