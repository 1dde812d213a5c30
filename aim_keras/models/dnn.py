"""Deep neural network."""

from collections.abc import Mapping, Sequence

import keras

from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class DNN(CTRModel):
    """Deep neural network: an MLP over the embeddings.

        logits = MLP(E)

    Started from the embeddings of a trained FM it is FNN:

        dnn.get_layer("embedding").set_embeddings(fm.get_layer("embedding_2").get_embeddings())

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        input_dropout: of the `MLP`.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> genres = Field(20, length=3, combiner="mean")
    >>> model = DNN({"user": 1000, "genres": genres}, hidden_units=(64, 32))
    >>> model(np.array([[999, 4, 7, -1]])).shape  # of a user and two genres
    (1, 1)
    ```

    References: Covington et al., Deep Neural Networks for YouTube Recommendations, RecSys 2016;
    Zhang et al., Deep Learning over Multi-field Categorical Data, ECIR 2016 (FNN).
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
        name: str = "dnn",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        mlp = MLP(hidden_units, mlp_norm, dropout, input_dropout, name="mlp")

        # === Functional model ===
        e = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            linear=False,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
        )
        logits = mlp(keras.layers.Flatten()(e))

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
