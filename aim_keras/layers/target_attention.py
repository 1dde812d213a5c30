"""Pooling of a list by its relation to a target."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from aim_keras.fields import shapes_of
from aim_keras.layers.mlp import MLP


@keras.saving.register_keras_serializable("aim_keras")
class TargetAttention(keras.layers.Layer):
    """The sum of a list's embeddings, each weighted by its relation to a target: DIN's attention.

        a_l = MLP([q, k_l, q - k_l, q * k_l]),  y = sum_l a_l k_l  over the places that are used

    The weights are not normalized, as in the paper, so that a longer history may count for more.
    What is in memory grows as `length * (4 dim + sum(hidden_units))` numbers a row.

    Args:
        hidden_units: of the `MLP`.
        dropout: of the `MLP`.

    Input shape: the target `q`, `(batch, dim)`, the list `k`, `(batch, length, dim)`, and whether
    each place is used, `(batch, length)`. Output shape: `(batch, dim)`, zeros of an empty list.

    Raises:
        ValueError: on an argument or input shapes outside these rules.

    Example:

    ```pycon
    >>> target, places, used = np.ones((2, 8)), np.ones((2, 5, 8)), np.ones((2, 5), bool)
    >>> TargetAttention(hidden_units=[16])([target, places, used]).shape
    (2, 8)
    ```

    Reference: Zhou et al., Deep Interest Network, KDD 2018, Eq. 3. The difference and the product
    are as in the authors' code, which has a softmax over the places besides, and sigmoids in place
    of the paper's Dice; here are ReLUs.
    """

    def __init__(
        self, hidden_units: Sequence[int] = (64,), dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        options = {"dtype": self.dtype_policy, "trainable": self.trainable}
        self.mlp = MLP(hidden_units, dropout=dropout, name="mlp", **options)

    def build(self, input_shape: Any) -> None:
        shapes = shapes_of(input_shape)
        _, length, dim = shapes[1] if len(shapes) == 3 and len(shapes[1]) == 3 else (None,) * 3
        if dim is None or [shape[1:] for shape in shapes] != [(dim,), (length, dim), (length,)]:
            raise ValueError(
                "TargetAttention takes a target, a list and whether its places are used, "
                "(batch, dim), (batch, length, dim) and (batch, length). "
                f"Received: shapes {shapes}"
            )
        self.mlp.build((None, length, 4 * dim))

    def call(self, inputs: Any, training: bool = False) -> Any:
        target, places, used = inputs
        q = ops.broadcast_to(ops.expand_dims(target, 1), ops.shape(places))
        related = ops.concatenate([q, places, q - places, q * places], axis=2)
        weights = ops.where(ops.expand_dims(used, 2), self.mlp(related, training=training), 0)
        return ops.sum(ops.cast(weights, places.dtype) * places, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        config = {"hidden_units": self.mlp.hidden_units, "dropout": self.mlp.dropout}
        return {**super().get_config(), **config}
