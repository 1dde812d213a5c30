"""DCN-V2."""

from collections.abc import Mapping, Sequence

import keras

from aim_keras.arguments import checked_integer
from aim_keras.fields import Field
from aim_keras.layers import MLP, CrossNetwork
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class DCNv2(CTRModel):
    """DCN-V2: a cross network over the embeddings, with an MLP beside it or over it.

        logits = <v, cross(E)> + MLP(E)  or, stacked,  MLP(cross(E))

    Stacked without hidden units it is the cross network alone.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        cross_layers: Integer >= 1: the number of layers of the `CrossNetwork`.
        rank: of the `CrossNetwork`.
        stacked: Whether the MLP is over the cross network, or beside it.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = DCNv2({"user": 1000, "item": 50, "hour": 24}, cross_layers=2)
    >>> model.get_layer("cross").output.shape
    (None, 30)
    >>> model(np.array([[999, 0, 23]])).shape
    (1, 1)
    ```

    Reference: Wang et al., DCN V2, WWW 2021.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        cross_layers: int = 3,
        rank: int | None = None,
        stacked: bool = False,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "dcnv2",
    ) -> None:
        cross_layers = checked_integer("cross_layers", cross_layers)

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        cross = CrossNetwork(cross_layers, rank, dtype=exact, name="cross")
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        e = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            linear=False,
            regularizer=embedding_regularizer,
        )
        e = keras.layers.Flatten(dtype=exact)(e)
        crossed = cross(e)
        if stacked:
            logits = mlp(crossed)
        else:
            cross_logit = keras.layers.Dense(1, use_bias=False, dtype=exact, name="cross_logit")
            logits = cross_logit(crossed) + mlp(e)

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            cross_layers=cross_layers,
            rank=rank,
            stacked=stacked,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
