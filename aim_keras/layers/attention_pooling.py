"""Pooling of vectors by learned attention."""

from typing import Any

import keras
from keras import ops

from aim_keras.arguments import check_rate, checked_integer


@keras.saving.register_keras_serializable("aim_keras")
class AttentionPooling(keras.layers.Layer):
    """The mean of vectors, weighted by what an attention network of one hidden layer makes of each.

        s_q = h^T relu(W z_q + b),  a = softmax(s / t),  y = sum_q dropout(a_q) z_q

    Args:
        units: Integer >= 1: the width of the hidden layer. Defaults to 16.
        temperature: Float > 0: `t`; the smaller, the fewer vectors share the attention. Defaults
            to 1.
        dropout: Float in [0, 1), of the attention weights. Defaults to 0.
        regularizer: of `W`.

    Input shape: `(batch, vectors, dim)`. Output shape: `(batch, dim)`.

    Raises:
        ValueError: on an argument outside these rules, or an input without vectors.

    Example:

    ```pycon
    >>> AttentionPooling(units=4)(np.ones((5, 3, 8))).shape
    (5, 8)
    ```

    Reference: Xiao et al., Attentional Factorization Machines, IJCAI 2017, Eq. 3 to 5.
    """

    def __init__(
        self,
        units: int = 16,
        temperature: float = 1.0,
        dropout: float = 0.0,
        regularizer: keras.regularizers.Regularizer | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0. Received: temperature={temperature}")
        check_rate("dropout", dropout)
        self.units = checked_integer("units", units)
        self.temperature = temperature
        self.dropout = dropout
        self.regularizer = keras.regularizers.get(regularizer)
        policy = {"dtype": self.dtype_policy, "trainable": self.trainable}
        self.hidden = keras.layers.Dense(
            self.units, "relu", kernel_regularizer=self.regularizer, name="hidden", **policy
        )
        self.score = keras.layers.Dense(1, use_bias=False, name="score", **policy)
        self.drop = keras.layers.Dropout(dropout, name="drop", **policy) if dropout else None

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3 or input_shape[1] == 0:
            raise ValueError(
                "AttentionPooling takes at least one vector, (batch, vectors, dim). "
                f"Received: shape {tuple(input_shape)}"
            )
        self.hidden.build(input_shape)
        self.score.build((*input_shape[:-1], self.units))

    def call(self, inputs: Any, training: bool = False) -> Any:
        scores = self.score(self.hidden(inputs))  # (batch, vectors, 1)
        attention = ops.softmax(scores / self.temperature, axis=1)
        if self.drop is not None:
            attention = self.drop(attention, training=training)
        return ops.sum(attention * inputs, axis=1)

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "temperature": self.temperature,
            "dropout": self.dropout,
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }
