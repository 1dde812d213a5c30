"""Outer product-based neural network."""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class OPNN(CTRModel):
    """Outer product-based neural network: an MLP over embeddings and their outer products.

        logits = MLP([E, f f^T]),  f = sum_i e_i

    `f f^T` is the sum of the outer products of all pairs of fields, so that it costs no pair.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = OPNN({"user": 1000, "item": 50, "hour": 24}, hidden_units=(64, 32))
    >>> model.get_layer("mlp").input.shape  # three embeddings of 10, one matrix of 10 by 10
    (None, 130)
    ```

    Reference: Qu et al., Product-based Neural Networks, ICDM 2016.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "opnn",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")
        flatten = keras.layers.Flatten(dtype=keras.config.dtype_policy().variable_dtype)

        # === Functional model ===
        e = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            linear=False,
            regularizer=embedding_regularizer,
        )
        f = ops.sum(e, axis=1)
        products = ops.expand_dims(f, 2) * ops.expand_dims(f, 1)  # (batch, dim, dim)
        logits = mlp(ops.concatenate([flatten(e), flatten(products)], axis=1))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
