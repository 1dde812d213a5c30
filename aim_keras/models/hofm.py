"""Higher-order factorization machine."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import is_integer
from aim_keras.fields import Field
from aim_keras.layers import FunctionWiseEmbedding
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class HOFM(CTRModel):
    """Higher-order factorization machine: all interactions of 2 up to `order` fields.

        logits = <w, x> + b + sum_{m = 2}^{order} sum_{i_1 < ... < i_m} <e^m_{i_1}, ..., e^m_{i_m}>

    with `e^m` the embeddings for interactions of `m` fields, and `<...>` the sum over coordinates
    of their product, so that the inner sum is the ANOVA kernel of degree `m`.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        order: Integer from 2 to the number of fields.
        shared_embedding: Whether all orders share one embedding.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = HOFM({"user": 1000, "item": 50, "hour": 24}, order=3)
    >>> model.get_layer("embedding").output[0].shape  # one for pairs, one for three fields
    (None, 2, 3, 10)
    >>> model(np.array([[999, 0, 23]])).shape
    (1, 1)
    ```

    Reference: Blondel et al., Higher-Order Factorization Machines, NIPS 2016.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        order: int = 3,
        shared_embedding: bool = False,
        embedding_initializer: keras.initializers.Initializer | str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "hofm",
    ) -> None:
        features = field_inputs(vocabulary_sizes)
        if not is_integer(order, least=2) or order > len(vocabulary_sizes):
            raise ValueError(
                f"order must be from 2 to the number of fields, {len(vocabulary_sizes)}. "
                f"Received: order={order!r}"
            )

        # === Layers ===
        orders = range(2, order + 1)
        embedding = FunctionWiseEmbedding(
            vocabulary_sizes,
            embedding_dim,
            num_functions=1 if shared_embedding else len(orders),
            linear=True,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
            dtype=keras.config.dtype_policy().variable_dtype,
            name="embedding",
        )

        # === Functional model ===
        e, logits = embedding(features)  # (batch, 1 or orders, fields, dim), (batch, 1)
        e = ops.unstack(e, axis=1) * (len(orders) if shared_embedding else 1)
        for m, of_order in zip(orders, e, strict=True):
            logits = logits + anova_kernel(of_order, m)

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            order=order,
            shared_embedding=shared_embedding,
            embedding_initializer=embedding_initializer,
            embedding_regularizer=embedding_regularizer,
        )


def anova_kernel(e, degree):
    """`sum_{i_1 < ... < i_degree} <e_{i_1}, ..., e_{i_degree}>` of `(batch, fields, dim)`.

    The paper's recursion, over degrees, each for all fields at once: the products that end at a
    field are its embedding times all shorter ones that end before it. It adds alone; Newton's
    identities, with as few operations, subtract numbers that a large embedding makes larger still.
    """
    fields = e.shape[1]
    before = np.tri(fields, k=-1, dtype="float32")
    products = e
    for _ in range(degree - 1):
        products = e * ops.matmul(before, products)  # (batch, last field, dim)
    return ops.sum(products, axis=(1, 2))[:, None]
