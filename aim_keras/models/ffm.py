"""Field-aware factorization machine."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from aim_keras.fields import Field
from aim_keras.layers import FunctionWiseEmbedding
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class FFM(CTRModel):
    """Field-aware factorization machine: a feature has an embedding for each other field.

        logits = <w, x> + b + sum_{i < j} <v_{i,j}, v_{j,i}>

    with `v_{i,j}` the embedding of field `i`'s feature that meets field `j`. Fields of one table
    share the embedding of each one's k-th other field.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features; at least
            two fields.
        embedding_dim: The dimension of each of the embeddings.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = FFM({"user": 1000, "item": 50, "hour": 24}, embedding_dim=4)
    >>> model.get_layer("embedding").output[0].shape  # each of 3 fields has 2, one for each other
    (None, 2, 3, 4)
    >>> model(np.array([[999, 0, 23]])).shape
    (1, 1)
    ```

    Reference: Juan et al., Field-aware Factorization Machines for CTR Prediction, RecSys 2016.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 4,
        embedding_initializer: keras.initializers.Initializer | str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "ffm",
    ) -> None:
        features = field_inputs(vocabulary_sizes)
        others = len(vocabulary_sizes) - 1
        if others < 1:
            raise ValueError(
                "vocabulary_sizes must hold at least two fields. "
                f"Received: vocabulary_sizes={vocabulary_sizes}"
            )

        # === Layers ===
        embedding = FunctionWiseEmbedding(
            vocabulary_sizes,
            embedding_dim,
            num_functions=others,
            linear=True,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
            dtype=keras.config.dtype_policy().variable_dtype,
            name="embedding",
        )

        # === Functional model ===
        # e[:, k, i] is field i's embedding for its k-th other field: for field k if k < i, else for
        # field k + 1. So e[:, k, i] of a k >= i meets e[:, i, k + 1].
        e, linear = embedding(features)  # (batch, fields - 1, fields, dim), (batch, 1)
        but_last, _ = ops.split(e, [others], axis=2)
        _, but_first = ops.split(e, [1], axis=2)
        products = ops.sum(but_last * ops.transpose(but_first, (0, 2, 1, 3)), axis=3)
        is_pair = np.tri(others, dtype="float32")
        interactions = ops.sum(products * is_pair, axis=(1, 2))[:, None]
        logits = linear + interactions

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            embedding_initializer=embedding_initializer,
            embedding_regularizer=embedding_regularizer,
        )
