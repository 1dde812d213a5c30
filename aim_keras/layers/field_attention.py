"""Self-attention over fields."""

from typing import Any

import keras
from keras import ops

from aim_keras.arguments import check_rate, checked_integer


@keras.saving.register_keras_serializable("aim_keras")
class FieldAttention(keras.layers.Layer):
    """Multi-head self-attention over the embeddings of fields, the interacting layer of AutoInt.

        a^h_{ij} = softmax_j(<Q^h e_i, K^h e_j> / s)
        y_i = relu(norm([sum_j a^h_{ij} V^h e_j for all heads h] + R e_i))

    `R` is the identity where `e_i` is as wide as `y_i`.

    Args:
        attention_dim: Integer >= 1: the width of `y_i`, a multiple of `num_heads`.
        num_heads: Integer >= 1: the number of heads, each of width `attention_dim / num_heads`.
        residual: Boolean, whether there is `R e_i`. Defaults to `True`.
        scale: Boolean, whether `s` is the square root of a head's width, as in a Transformer, or
            one. Defaults to `False`.
        layer_norm: Boolean, whether `norm` is a layer normalization or nothing. Defaults to
            `False`.
        dropout: Float in [0, 1), of the weights `a`.

    Input shape: `(batch, fields, dim)`. Output shape: `(batch, fields, attention_dim)`.

    Raises:
        ValueError: on an argument or an input shape outside these rules.

    Example:

    ```pycon
    >>> FieldAttention(attention_dim=32, num_heads=4)(np.ones((2, 24, 10))).shape
    (2, 24, 32)
    ```

    Reference: Song et al., AutoInt, CIKM 2019, Eq. 5 to 8; dropout, scale and norm as in FuxiCTR.
    """

    def __init__(
        self,
        attention_dim: int,
        num_heads: int = 2,
        residual: bool = True,
        scale: bool = False,
        layer_norm: bool = False,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.attention_dim = checked_integer("attention_dim", attention_dim)
        self.num_heads = checked_integer("num_heads", num_heads)
        if attention_dim % num_heads:
            raise ValueError(
                "attention_dim must be a multiple of num_heads. "
                f"Received: attention_dim={attention_dim}, num_heads={num_heads}"
            )
        check_rate("dropout", dropout)
        self.residual = residual
        self.scale = scale
        self.layer_norm = layer_norm
        self.dropout = dropout
        self.head_dim = attention_dim // num_heads
        self.norm = self.drop = None
        if layer_norm:
            self.norm = keras.layers.LayerNormalization(
                epsilon=1e-5, dtype=self.dtype_policy, trainable=self.trainable, name="norm"
            )
        if dropout:
            self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3:
            raise ValueError(
                "FieldAttention takes embeddings of shape (batch, fields, dim). "
                f"Received: shape {tuple(input_shape)}"
            )
        dim = input_shape[-1]
        names = ["query", "key", "value"]
        if self.residual and dim != self.attention_dim:
            names.append("residual")
        self.kernels = [self.add_weight((dim, self.attention_dim), name=name) for name in names]
        if self.norm:
            self.norm.build(self.compute_output_shape(input_shape))

    def call(self, inputs: Any, training: bool = False) -> Any:
        fields = ops.shape(inputs)[1]
        query, key, value, *residual = (ops.matmul(inputs, kernel) for kernel in self.kernels)
        query, key, value = (
            ops.reshape(each, (-1, fields, self.num_heads, self.head_dim))
            for each in (query, key, value)
        )
        scores = ops.einsum("bihd,bjhd->bhij", query, key)
        weights = ops.softmax(scores / self.head_dim**0.5 if self.scale else scores)
        if self.drop:
            weights = self.drop(weights, training=training)
        outputs = ops.einsum("bhij,bjhd->bihd", weights, value)
        outputs = ops.reshape(outputs, (-1, fields, self.attention_dim))
        if self.residual:
            outputs = outputs + (residual[0] if residual else inputs)
        if self.norm:
            outputs = self.norm(outputs)
        return ops.relu(outputs)

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return (*input_shape[:-1], self.attention_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_heads": self.num_heads,
            "residual": self.residual,
            "scale": self.scale,
            "layer_norm": self.layer_norm,
            "dropout": self.dropout,
        }
