"""Bilinear fusion of two streams."""

import math
from typing import Any

import keras
from keras import ops

from aim_keras.arguments import checked_integer
from aim_keras.fields import shapes_of


@keras.saving.register_keras_serializable("aim_keras")
class BilinearFusion(keras.layers.Layer):
    """Two streams to one logit: each one's linear term, and their bilinear product in heads.

        logit = <v, x> + <w, y> + b + sum_h x_h^T W_h y_h

    `x_h` and `y_h` are the `num_heads` equal parts of `x` and `y`: with more heads `W` has that
    many times fewer weights. They start with Glorot's variance of a layer from all products to one
    logit, as in the authors' code.

    Args:
        num_heads: Integer >= 1, which divides the widths of both streams.

    Input shape: two of `(batch, features)`, whose widths may differ. Output shape: `(batch, 1)`.

    Raises:
        ValueError: on an argument or input shapes outside these rules.

    Example:

    ```pycon
    >>> BilinearFusion(num_heads=5)([np.ones((2, 400)), np.ones((2, 100))]).shape
    (2, 1)
    ```

    Reference: Mao et al., FinalMLP, AAAI 2023, Eq. 8 to 10.
    """

    def __init__(self, num_heads: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads = checked_integer("num_heads", num_heads)

    def build(self, input_shape: Any) -> None:
        shapes = shapes_of(input_shape)
        widths = [shape[-1] or 0 for shape in shapes if len(shape) == 2]
        if len(shapes) != 2 or len(widths) != 2 or any(w % self.num_heads or not w for w in widths):
            raise ValueError(
                "The input must be two streams, (batch, features), whose widths num_heads divides. "
                f"Received: num_heads={self.num_heads}, shapes {shapes}"
            )
        shape = (self.num_heads, *(width // self.num_heads for width in widths))
        normal = keras.initializers.RandomNormal(stddev=(2 / (math.prod(shape) + 1)) ** 0.5)
        self.kernel = self.add_weight(shape, normal, name="kernel")
        self.linear = [
            self.add_weight((width, 1), name=f"linear_{i}") for i, width in enumerate(widths)
        ]
        self.bias = self.add_weight((1,), "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        x, y = (self._heads(stream) for stream in inputs)
        fused = ops.sum(ops.matmul(x, self.kernel) * y, axis=(0, 2))
        linear = sum(ops.matmul(*pair) for pair in zip(inputs, self.linear, strict=True))
        return linear + self.bias + ops.expand_dims(fused, 1)

    def _heads(self, stream):
        """`(heads, batch, width / heads)`."""
        width = stream.shape[1] // self.num_heads
        return ops.transpose(ops.reshape(stream, (-1, self.num_heads, width)), (1, 0, 2))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0][0], 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads}
