"""xDeepFM."""

from collections.abc import Mapping, Sequence

import keras

from aim_keras.fields import Field
from aim_keras.layers import MLP, CompressedInteraction
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class XDeepFM(CTRModel):
    """xDeepFM: a linear term, a compressed interaction network (CIN) and an MLP side by side.

        logits = <w, x> + b + <v, CIN(E)> + MLP(E)

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        cin_units: Widths of the CIN's layers.
        hidden_units: Widths of the MLP's hidden layers; none of them, no MLP.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = XDeepFM({"user": 1000, "item": 50, "hour": 24}, cin_units=(20, 10))
    >>> model.get_layer("cin").output.shape  # the pooled maps of both layers
    (None, 30)
    >>> model(np.array([[999, 0, 23]])).shape
    (1, 1)
    ```

    Reference: Lian et al., xDeepFM, KDD 2018.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        cin_units: Sequence[int] = (100, 100),
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "xdeepfm",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        cin = CompressedInteraction(cin_units, dtype=exact, name="cin")
        cin_logit = keras.layers.Dense(1, use_bias=False, dtype=exact, name="cin_logit")
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        e, linear = embedded_fields(
            features, vocabulary_sizes, embedding_dim, regularizer=embedding_regularizer
        )
        logits = linear + cin_logit(cin(e))
        if hidden_units:
            logits = logits + mlp(keras.layers.Flatten()(e))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            cin_units=cin_units,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
