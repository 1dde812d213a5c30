"""The linear term of a CTR model."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from aim_keras.fields import Field
from aim_keras.layers.function_wise_embedding import FunctionWiseEmbedding


@keras.saving.register_keras_serializable("aim_keras")
class Linear(keras.layers.Layer):
    """The linear term of a CTR model: one weight a feature, and a bias.

        <w, x> + b = sum_i w_{x_i} + b

    A multi-valued field adds its ids' weights, pooled, a dense one its number times its weight.

    Args:
        vocabulary_sizes: Sequence of integers >= 1, the number of ids of each field, or `Field`s.
        initializer: of the weights. Defaults to zeros.
        regularizer: of the weights, not of the bias.

    Input shape: as of `FunctionWiseEmbedding`. Output shape: `(batch, 1)`.

    Example:

    ```pycon
    >>> linear = Linear([1000, 50, 24], initializer="ones")
    >>> float(linear(np.array([[999, 0, 23]]))[0, 0])  # three weights, and a bias that starts at 0
    3.0
    ```

    Reference: AIM, Eq. 4.
    """

    def __init__(
        self,
        vocabulary_sizes: Iterable[int | Field] | Mapping[Any, int | Field],
        initializer: keras.initializers.Initializer | str | None = "zeros",
        regularizer: keras.regularizers.Regularizer | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.weights_by_feature = FunctionWiseEmbedding(
            vocabulary_sizes,
            embedding_dim=1,
            initializer=initializer or "zeros",
            regularizer=regularizer,
            dtype=self.dtype_policy,
            trainable=self.trainable,
            name="weights",
        )

    def build(self, input_shape: tuple) -> None:
        self.weights_by_feature.build(input_shape)
        self.bias = self.add_weight((1,), "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        bias = ops.cast(self.bias, self.compute_dtype)
        return ops.sum(self.weights_by_feature(inputs), axis=(1, 2)) + bias

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return (self.weights_by_feature.compute_output_shape(input_shape)[0], 1)

    def get_config(self) -> dict[str, Any]:
        config = self.weights_by_feature.get_config()
        shared = {key: config[key] for key in ("vocabulary_sizes", "initializer", "regularizer")}
        return {**super().get_config(), **shared}
