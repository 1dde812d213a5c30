"""The cross network of DCN-V2."""

import functools
from typing import Any

import keras
from keras import ops

from aim_keras.arguments import checked_integer


@keras.saving.register_keras_serializable("aim_keras")
class CrossNetwork(keras.layers.Layer):
    """The cross network of DCN-V2: explicit interactions of one order more in each layer.

        x_{l+1} = x_0 * (W_l x_l + b_l) + x_l

    `*` multiplies element by element. The matrices are full, or `W_l = U_l V_l^T` of a rank.

    Args:
        num_layers: Integer >= 1: the number of layers. The last output has interactions of up to
            order `num_layers + 1`.
        rank: Integer >= 1, the rank of `W_l`; `None` for full matrices. Of `d` features a layer has
            `2 d rank + d` weights in place of `d^2 + d`.

    Input shape: `(batch, features)`. Output shape: `(batch, features)`.

    Raises:
        ValueError: on an argument or an input shape outside these rules.

    Example:

    ```pycon
    >>> CrossNetwork(num_layers=3)(np.ones((2, 40))).shape
    (2, 40)
    >>> CrossNetwork(num_layers=3, rank=8)(np.ones((2, 40))).shape
    (2, 40)
    ```

    Reference: Wang et al., DCN V2, WWW 2021, Eq. 1 and, of low rank, Eq. 2.
    """

    def __init__(self, num_layers: int = 3, rank: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_layers = checked_integer("num_layers", num_layers)
        self.rank = None if rank is None else checked_integer("rank", rank)

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 2 or input_shape[1] is None:
            raise ValueError(
                "CrossNetwork takes a known number of features, (batch, features). "
                f"Received: shape {tuple(input_shape)}"
            )
        features = input_shape[1]
        self.of_layer = [
            (
                self._factors(features, layer),
                self.add_weight((features,), "zeros", name=f"bias_{layer}"),
            )
            for layer in range(self.num_layers)
        ]

    def _factors(self, features, layer):
        if self.rank is None:
            return [self.add_weight((features, features), name=f"kernel_{layer}")]
        return [
            self.add_weight((features, self.rank), name=f"down_{layer}"),
            self.add_weight((self.rank, features), name=f"up_{layer}"),
        ]

    def call(self, inputs: Any) -> Any:
        x = inputs
        for factors, bias in self.of_layer:
            x = inputs * (functools.reduce(ops.matmul, factors, x) + bias) + x
        return x

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_layers": self.num_layers, "rank": self.rank}
