"""AutoInt."""

from collections.abc import Mapping, Sequence

import keras

from aim_keras.arguments import checked_integer
from aim_keras.fields import Field
from aim_keras.layers import MLP, FieldAttention
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class AutoInt(CTRModel):
    """AutoInt: layers of self-attention over the embeddings of fields.

        logits = <v, attention(...attention(E))> + b  [+ MLP(E)]  [+ <w, x> + b']

    With the MLP this is AutoInt+.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        attention_layers: Integer >= 1: the number of layers of attention.
        attention_dim: of each `FieldAttention`.
        num_heads: of each `FieldAttention`.
        residual: of each `FieldAttention`.
        scale: of each `FieldAttention`.
        layer_norm: of each `FieldAttention`.
        linear: Whether there is a linear term.
        hidden_units: Widths of the MLP's hidden layers; none of them, no MLP.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP` and of the attention's weights.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = AutoInt({"user": 1000, "item": 50, "hour": 24}, hidden_units=(64, 32))
    >>> model.get_layer("attention_2").output.shape
    (None, 3, 64)
    >>> model.get_layer("mlp").input.shape  # this is AutoInt+
    (None, 30)
    ```

    Reference: Song et al., AutoInt, CIKM 2019.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        attention_layers: int = 3,
        attention_dim: int = 64,
        num_heads: int = 2,
        residual: bool = True,
        scale: bool = False,
        layer_norm: bool = False,
        linear: bool = False,
        hidden_units: Sequence[int] = (),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "autoint",
    ) -> None:
        attention_layers = checked_integer("attention_layers", attention_layers)

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        attention = [
            FieldAttention(
                attention_dim,
                num_heads,
                residual,
                scale,
                layer_norm,
                dropout,
                dtype=exact,
                name=f"attention_{i}",
            )
            for i in range(attention_layers)
        ]
        attention_logit = keras.layers.Dense(1, dtype=exact, name="attention_logit")
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")
        flatten = keras.layers.Flatten(dtype=exact)

        # === Functional model ===
        e = embedded_fields(
            features, vocabulary_sizes, embedding_dim, linear, regularizer=embedding_regularizer
        )
        e, linear_term = e if linear else (e, None)
        attended = e
        for layer in attention:
            attended = layer(attended)
        logits = attention_logit(flatten(attended))
        if hidden_units:
            logits = logits + mlp(flatten(e))
        if linear:
            logits = logits + linear_term

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            attention_layers=attention_layers,
            attention_dim=attention_dim,
            num_heads=num_heads,
            residual=residual,
            scale=scale,
            layer_norm=layer_norm,
            linear=linear,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
