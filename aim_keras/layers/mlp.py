"""The MLP tower of a CTR model."""

from collections.abc import Sequence
from typing import Any

import keras

from aim_keras.arguments import check_rate, checked_integers
from aim_keras.layers.quantized import refuse_quantized

NORMS = {
    "none": lambda **kwargs: None,
    "layer": lambda **kwargs: keras.layers.LayerNormalization(epsilon=1e-5, **kwargs),
    "batch": lambda **kwargs: keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, **kwargs),
}


@keras.saving.register_keras_serializable("aim_keras")
class MLP(keras.layers.Layer):
    """The MLP tower of a CTR model, down to one logit or to its last hidden layer.

        a^(l+1) = dropout(relu(norm(W^(l) a^(l) + b^(l)))),  logit = W^(L) a^(L) + b^(L)

    with `a^(0)` the inputs after their own dropout. Under a mixed dtype policy the logit is in the
    precision of the weights.

    Args:
        hidden_units: Sequence of integers >= 1: the width of each hidden layer.
        norm: `"none"`, `"layer"` or `"batch"`: the normalization before each ReLU.
        dropout: Float in [0, 1), after each ReLU.
        input_dropout: Float in [0, 1), of the inputs.
        logit: Boolean, whether the output is the logit, or `a^(L)`, the last hidden layer. Defaults
            to `True`.

    Input shape: `(batch, features)`. Output shape: `(batch, 1)`, or `(batch, hidden_units[-1])`.

    Raises:
        ValueError: on an argument outside these rules.

    Example:

    ```pycon
    >>> mlp = MLP([64], norm="batch", dropout=0.1)
    >>> mlp(np.ones((5, 30))).shape
    (5, 1)
    >>> [layer.name for layer in mlp.tower]
    ['dense_0', 'norm_0', 'relu_0', 'dropout_0', 'logit']
    ```

    Reference: AIM, Eq. 7.
    """

    def __init__(
        self,
        hidden_units: Sequence[int] = (700,) * 5,
        norm: str = "none",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        logit: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_units = checked_integers("hidden_units", hidden_units)
        self.norm = norm
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.logit = logit
        if norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(NORMS)}. Received: norm={norm!r}")
        check_rate("dropout", dropout)
        check_rate("input_dropout", input_dropout)
        policy = {"dtype": self.dtype_policy, "trainable": self.trainable}
        self.tower = []
        if input_dropout:
            self.tower.append(keras.layers.Dropout(input_dropout, name="dropout", **policy))
        for i, units in enumerate(self.hidden_units):
            layers = (
                keras.layers.Dense(units, name=f"dense_{i}", **policy),
                NORMS[norm](name=f"norm_{i}", **policy),
                keras.layers.ReLU(name=f"relu_{i}", **policy),
                keras.layers.Dropout(dropout, name=f"dropout_{i}", **policy) if dropout else None,
            )
            self.tower += [layer for layer in layers if layer is not None]
        if logit:
            exact = {**policy, "dtype": self.dtype_policy.variable_dtype}
            self.tower.append(keras.layers.Dense(1, name="logit", **exact))

    def build(self, input_shape: tuple) -> None:
        for layer in self.tower:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        for layer in self.tower:
            takes_training = isinstance(
                layer, keras.layers.BatchNormalization | keras.layers.Dropout
            )
            inputs = layer(inputs, training=training) if takes_training else layer(inputs)
        return inputs

    def compute_output_shape(self, input_shape: tuple) -> Any:
        *outer, features = input_shape
        return (*outer, 1 if self.logit else [features, *self.hidden_units][-1])

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        dtype = self.dtype_policy.variable_dtype if self.logit else self.compute_dtype
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        refuse_quantized(self, self.tower)
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "norm": self.norm,
            "dropout": self.dropout,
            "input_dropout": self.input_dropout,
            "logit": self.logit,
        }
