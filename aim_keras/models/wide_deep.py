"""Wide & Deep."""

from collections.abc import Mapping, Sequence

import keras

from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class WideDeep(CTRModel):
    """Wide & Deep: the linear term beside an MLP over the embeddings.

        logits = <w, x> + b + MLP(E)

    The paper's crossed features are fields like any other: give the data a field of each cross.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        input_dropout: of the `MLP`.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> sizes = {"user": 1000, "item": 50, "user_item": 50_000}
    >>> model = WideDeep(sizes, hidden_units=(64, 32))
    >>> model(np.array([[999, 7, 999 * 50 + 7]])).shape
    (1, 1)
    ```

    Reference: Cheng et al., Wide & Deep Learning for Recommender Systems, DLRS 2016.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        embedding_initializer: keras.initializers.Initializer | str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "wide_deep",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        mlp = MLP(hidden_units, mlp_norm, dropout, input_dropout, name="mlp")

        # === Functional model ===
        e, linear = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
        )
        logits = linear + mlp(keras.layers.Flatten()(e))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            input_dropout=input_dropout,
            embedding_initializer=embedding_initializer,
            embedding_regularizer=embedding_regularizer,
        )
