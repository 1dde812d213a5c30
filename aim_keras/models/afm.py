"""Attentional factorization machine."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import check_rate
from aim_keras.fields import Field
from aim_keras.layers import AttentionPooling
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class AFM(CTRModel):
    """Attentional factorization machine: attention tells which pairs matter in an example.

        logits = <w, x> + b + p^T sum_{i < j} a_{i,j} (e_i * e_j)
        a = softmax(h^T relu(W (e_i * e_j) + c) / t), over all pairs

    with `*` the product of each coordinate.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        attention_units: the `units` of the `AttentionPooling`.
        temperature: of the `AttentionPooling`.
        attention_dropout: the `dropout` of the `AttentionPooling`.
        attention_regularizer: the `regularizer` of the `AttentionPooling`.
        pooling_dropout: Float in [0, 1), of the pooled products.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = AFM({"user": 1000, "item": 50, "hour": 24, "day": 7}, temperature=0.5)
    >>> model.get_layer("attention").input.shape  # the products of six pairs
    (None, 6, 10)
    >>> model.get_layer("attention").output.shape
    (None, 10)
    ```

    Reference: Xiao et al., Attentional Factorization Machines, IJCAI 2017.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        attention_units: int = 16,
        temperature: float = 1.0,
        attention_dropout: float = 0.0,
        pooling_dropout: float = 0.0,
        attention_regularizer: keras.regularizers.Regularizer | str | None = None,
        embedding_initializer: keras.initializers.Initializer | str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "afm",
    ) -> None:
        check_rate("pooling_dropout", pooling_dropout)

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        attention = AttentionPooling(
            attention_units,
            temperature,
            attention_dropout,
            attention_regularizer,
            dtype=exact,
            name="attention",
        )
        drop = keras.layers.Dropout(pooling_dropout, dtype=exact, name="pooling_dropout")
        project = keras.layers.Dense(1, use_bias=False, dtype=exact, name="projection")

        # === Functional model ===
        e, linear = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
        )
        left, right = np.triu_indices(len(vocabulary_sizes), 1)
        products = ops.take(e, left, axis=1) * ops.take(e, right, axis=1)  # (batch, pairs, dim)
        logits = linear + project(drop(attention(products)))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            attention_units=attention_units,
            temperature=temperature,
            attention_dropout=attention_dropout,
            pooling_dropout=pooling_dropout,
            attention_regularizer=attention_regularizer,
            embedding_initializer=embedding_initializer,
            embedding_regularizer=embedding_regularizer,
        )
