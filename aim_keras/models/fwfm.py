"""Field-weighted factorization machine."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from aim_keras.fields import Field
from aim_keras.layers import FieldWeightedProducts, FunctionWiseEmbedding
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs

LINEAR = ("feature_weights", "feature_vectors", "field_vectors")


@keras.saving.register_keras_serializable("aim_keras")
class FwFM(CTRModel):
    """Field-weighted factorization machine: each pair of fields has a strength of its own.

        logits = l(x) + b + sum_{i < j} r_{i,j} <e_i, e_j>

    The linear term `l(x)` is one of the paper's three:

    | `linear` | in the paper | `l(x)` |
    |---|---|---|
    | `"feature_weights"` | LW | `sum_i w_{x_i}`, a weight a feature |
    | `"feature_vectors"` | FeLV | `sum_i <e_i, w_{x_i}>`, a vector a feature |
    | `"field_vectors"` | FiLV | `sum_i <e_i, w_i>`, a vector a field |

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        linear: One of the table's linear terms.
        initial_pair_weight: What each `r` starts at.
        pair_regularizer: of `r`.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear term's weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = FwFM({"user": 1000, "item": 50, "hour": 24}, linear="field_vectors")
    >>> model.get_layer("field_vectors").kernel.shape  # a vector of 10 for each of three fields
    (30, 1)
    >>> model.get_layer("products").pair_weights.shape
    (3,)
    ```

    Reference: Pan et al., Field-weighted Factorization Machines for Click-Through Rate Prediction
    in Display Advertising, WWW 2018.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        linear: str = "feature_weights",
        initial_pair_weight: float = 1.0,
        pair_regularizer: keras.regularizers.Regularizer | str | None = None,
        embedding_initializer: keras.initializers.Initializer | str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "fwfm",
    ) -> None:
        if linear not in LINEAR:
            raise ValueError(f"linear must be one of {LINEAR}. Received: linear={linear!r}")

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        tables: dict[str, Any] = {
            "initializer": embedding_initializer,
            "regularizer": embedding_regularizer,
        }
        products = FieldWeightedProducts(
            initial_pair_weight,
            pair_regularizer,
            use_bias=linear != "feature_weights",
            dtype=exact,
            name="products",
        )

        # === Functional model ===
        if linear == "feature_weights":
            e, linear_term = embedded_fields(features, vocabulary_sizes, embedding_dim, **tables)
        elif linear == "feature_vectors":
            embedding = FunctionWiseEmbedding(
                vocabulary_sizes,
                embedding_dim,
                num_functions=2,
                dtype=exact,
                name="embedding",
                **tables,
            )
            e, w = ops.unstack(embedding(features), axis=1)  # (batch, fields, dim) each
            linear_term = ops.sum(e * w, axis=(1, 2))[:, None]
        else:
            e = embedded_fields(features, vocabulary_sizes, embedding_dim, linear=False, **tables)
            linear_term = keras.layers.Dense(
                1,
                use_bias=False,
                kernel_regularizer=embedding_regularizer,
                dtype=exact,
                name="field_vectors",
            )(keras.layers.Flatten(dtype=exact)(e))
        logits = linear_term + products(e)

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            linear=linear,
            initial_pair_weight=initial_pair_weight,
            pair_regularizer=pair_regularizer,
            embedding_initializer=embedding_initializer,
            embedding_regularizer=embedding_regularizer,
        )
