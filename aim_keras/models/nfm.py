"""Neural factorization machine."""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from aim_keras.arguments import check_rate
from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class NFM(CTRModel):
    """Neural factorization machine: an MLP over all pairs' products, pooled.

        logits = <w, x> + b + MLP(sum_{i < j} e_i * e_j)

    with `*` the product of each coordinate.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        normalize_pooled: Whether the pooled products go through a batch norm.
        pooling_dropout: Float in [0, 1), of the pooled products.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = NFM({"user": 1000, "item": 50, "hour": 24}, normalize_pooled=True)
    >>> model.get_layer("mlp").input.shape  # as wide as one embedding, whatever the fields
    (None, 10)
    ```

    Reference: He and Chua, Neural Factorization Machines for Sparse Predictive Analytics, SIGIR
    2017.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        normalize_pooled: bool = False,
        pooling_dropout: float = 0.0,
        embedding_initializer: keras.initializers.Initializer | str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "nfm",
    ) -> None:
        check_rate("pooling_dropout", pooling_dropout)

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=exact, name="norm")
        mlp = MLP(hidden_units, mlp_norm, dropout, pooling_dropout, name="mlp")

        # === Functional model ===
        e, linear = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
        )
        of_sum, of_each = ops.square(ops.sum(e, axis=1)), ops.sum(ops.square(e), axis=1)
        pooled = 0.5 * (of_sum - of_each)  # (batch, dim), the paper's Eq. 4
        if normalize_pooled:
            pooled = norm(pooled)
        logits = linear + mlp(pooled)

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            normalize_pooled=normalize_pooled,
            pooling_dropout=pooling_dropout,
            embedding_initializer=embedding_initializer,
            embedding_regularizer=embedding_regularizer,
        )
