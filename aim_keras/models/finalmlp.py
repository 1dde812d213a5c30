"""FinalMLP."""

from collections.abc import Mapping, Sequence

import keras

from aim_keras.documents import check_distinct, check_known
from aim_keras.fields import Field
from aim_keras.layers import MLP, BilinearFusion
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs, some_fields


@keras.saving.register_keras_serializable("aim_keras")
class FinalMLP(CTRModel):
    """FinalMLP: two MLPs over the embeddings, each behind gates of its own, in a bilinear fusion.

        x = MLP_1(g_1 * E),  y = MLP_2(g_2 * E),  g_s = 2 sigmoid(W_s MLP'_s(C_s) + b_s)
        logits = <v, x> + <w, y> + b + sum_h x_h^T W_h y_h

    `C_s` are the embeddings of the stream's context fields, in tables of their own.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        hidden_units: Two sequences: the widths of each MLP's hidden layers, one or more.
        num_heads: of the `BilinearFusion`.
        contexts: Two sequences: the names of each stream's context fields; none of them, no gates
            of that stream.
        gate_units: Widths of the hidden layers of the gates' MLPs.
        mlp_norm: of both `MLP`s.
        dropout: of both `MLP`s.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Raises:
        ValueError: on an argument outside these rules.

    Example:

    ```pycon
    >>> sizes = {"user": 1000, "item": 50, "hour": 24}
    >>> contexts = (["user"], ["item", "hour"])
    >>> model = FinalMLP(sizes, hidden_units=((400,), (100,)), contexts=contexts)
    >>> [tensor.shape for tensor in model.get_layer("fusion").input]
    [(None, 400), (None, 100)]
    ```

    Reference: Mao et al., FinalMLP, AAAI 2023. A stream without context fields has learned gates
    there, the same for all rows; here it has none.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        hidden_units: Sequence[Sequence[int]] = ((400, 400, 400), (400, 400, 400)),
        num_heads: int = 1,
        contexts: Sequence[Sequence[str]] = ((), ()),
        gate_units: Sequence[int] = (64,),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "finalmlp",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        _check_streams("hidden_units", hidden_units, least=1)
        _check_streams("contexts", contexts)
        for context in contexts:
            check_known(context, list(vocabulary_sizes), "fields", "contexts")
            check_distinct(context, "contexts")
        mlps = [
            MLP(units, mlp_norm, dropout, logit=False, name=f"mlp_{s}")
            for s, units in enumerate(hidden_units, start=1)
        ]
        fusion = BilinearFusion(num_heads, dtype=exact, name="fusion")

        # === Functional model ===
        def embedded(inputs, sizes, name):
            e = embedded_fields(
                inputs,
                sizes,
                embedding_dim,
                linear=False,
                regularizer=embedding_regularizer,
                name=name,
            )
            return keras.layers.Flatten(dtype=exact)(e)

        e = embedded(features, vocabulary_sizes, "embedding")
        streams = [e, e]
        for s, context in enumerate(contexts, start=1):
            if not context:
                continue
            fields, inputs = some_fields(features, vocabulary_sizes, context)
            c = embedded(inputs, fields, f"context_{s}")
            gate = keras.layers.Dense(e.shape[1], "sigmoid", dtype=exact, name=f"gate_{s}")
            hidden = MLP(gate_units, logit=False, name=f"gate_mlp_{s}")(c)
            streams[s - 1] = 2 * gate(hidden) * e
        logits = fusion([mlp(stream) for mlp, stream in zip(mlps, streams, strict=True)])

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            hidden_units=hidden_units,
            num_heads=num_heads,
            contexts=contexts,
            gate_units=gate_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )


def _check_streams(name, values, least=0):
    are_pair = isinstance(values, list | tuple) and len(values) == 2
    if not are_pair or not all(isinstance(v, list | tuple) and len(v) >= least for v in values):
        raise ValueError(
            f"{name} must be two sequences, one for each stream, of {least} or more. "
            f"Received: {name}={values}"
        )
