"""The inner products of all pairs of fields, weighted."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("aim_keras")
class FieldWeightedProducts(keras.layers.Layer):
    """The inner products of all pairs of fields, each with a weight of its own, summed.

        y = sum_{i < j} r_{i,j} <e_i, e_j> + b

    Args:
        initial_value: Float: what each weight starts at. Defaults to 1: the products of an FM.
        regularizer: of the weights.
        use_bias: Boolean, whether there is a bias. Defaults to `True`.

    Input shape: `(batch, fields, dim)`. Output shape: `(batch, 1)`.

    Attributes:
        pair_weights: `r`, of shape `(pairs,)`, in the order of
            `itertools.combinations(fields, 2)`. There once the layer is built.

    Raises:
        ValueError: on an input of another rank, or of fewer than two fields.

    Example:

    ```pycon
    >>> FieldWeightedProducts(initial_value=0.7)(np.ones((5, 3, 8))).shape
    (5, 1)
    ```

    Reference: Pan et al., Field-weighted Factorization Machines for Click-Through Rate Prediction
    in Display Advertising, WWW 2018.
    """

    def __init__(
        self,
        initial_value: float = 1.0,
        regularizer: keras.regularizers.Regularizer | str | None = None,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.initial_value = initial_value
        self.regularizer = keras.regularizers.get(regularizer)
        self.use_bias = use_bias

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3 or (input_shape[1] or 0) < 2:
            raise ValueError(
                "FieldWeightedProducts takes embeddings of shape (batch, fields, dim) of at least "
                f"two fields. Received: shape {tuple(input_shape)}"
            )
        num_fields = input_shape[1]
        num_pairs = num_fields * (num_fields - 1) // 2
        self.pair_weights = self.add_weight(
            (num_pairs,),
            keras.initializers.Constant(self.initial_value),
            name="pair_weights",
            regularizer=self.regularizer,
        )
        self._places = np.full((num_fields, num_fields), num_pairs, dtype="int32")
        self._places[np.triu_indices(num_fields, 1)] = np.arange(num_pairs)
        if self.use_bias:
            self.bias = self.add_weight((1,), "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        zero = ops.zeros((1,), self.compute_dtype)
        weights = ops.concatenate([self.pair_weights, zero])
        matrix = ops.take(weights, self._places, axis=0)  # (fields, fields), zeros unless i < j
        products = ops.sum(inputs * ops.matmul(matrix, inputs), axis=(1, 2))[:, None]
        return products + self.bias if self.use_bias else products

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return (input_shape[0], 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_value": self.initial_value,
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "use_bias": self.use_bias,
        }
