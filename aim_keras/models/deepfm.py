"""DeepFM, and AIM's models."""

import os
from collections.abc import Mapping, Sequence
from typing import Unpack

import keras
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import field_inputs
from aim_keras.models.interaction_terms import InteractionOptions, interaction_terms

MLP_INPUTS = ("embeddings", "products", "normalized_products", "scalars")


@keras.saving.register_keras_serializable("aim_keras")
class DeepFM(CTRModel):
    """DeepFM: a factorization machine beside an MLP, with any interactions and functions.

        logits = <w, x> + b + sum_{(k, q)} y_{k, q} + MLP(E)        (AIM, Eq. 9)

    With the four functions of AIM, its architecture, and an MLP that reads the products of the
    kept interactions this is AIM's re-trained model; without hidden units, its searched model.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        architecture: `Architecture`, or the path of its file, whose interactions and dimensions
            are built; `None` for every pair of fields.
        search: `"interactions"`, `"dimensions"` or `None`: which gates there are.
        hidden_units: Widths of the MLP's hidden layers; none of them, no MLP.
        mlp_inputs: What the MLP reads, one or more of `"embeddings"`, `"products"` (those that
            each interaction's value sums), `"normalized_products"` (the same through a
            `ParamFreeBatchNorm` for each order, since a strong L2 leaves products far smaller than
            embeddings) and `"scalars"` (the interactions' values). Where the architecture keeps no
            interaction it reads the embeddings.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        input_dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables and of the linear weights.
        **interaction_options: `embedding_dim`, `functions`, `gated`, `shared_embedding`,
            `share_orders`, `per_function_gates`, `candidate_dimensions`, `temperature_decay`,
            `embedding_initializer`, `epsilon`, `momentum`: of
            `aim_keras.models.interaction_terms.interaction_terms`.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> sizes = {"user": 1000, "item": 50, "hour": 24}
    >>> found = Architecture.full(sizes, ["inner", "outer"], 8).keep([("inner", ("user", "item"))])
    >>> model = DeepFM(sizes, architecture=found, mlp_inputs=["products"])
    >>> model.get_layer("mlp").input.shape  # one interaction was kept, of 8 products
    (None, 8)
    ```

    References: Guo et al., DeepFM, IJCAI 2017; AIM, sections 3.1 and 4.2.3.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        architecture: Architecture | Mapping | str | os.PathLike | None = None,
        search: str | None = None,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_inputs: Sequence[str] = ("embeddings",),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "deepfm",
        **interaction_options: Unpack[InteractionOptions],
    ) -> None:
        listed = mlp_inputs if isinstance(mlp_inputs, list | tuple) else ()
        if not listed or not set(listed) <= set(MLP_INPUTS):
            raise ValueError(
                f"mlp_inputs must be a sequence of one or more of {MLP_INPUTS}. "
                f"Received: mlp_inputs={mlp_inputs!r}"
            )

        nothing_kept = architecture is not None and not Architecture.of(architecture).orders
        inputs = ("embeddings",) if nothing_kept else mlp_inputs

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        mlp = MLP(hidden_units, mlp_norm, dropout, input_dropout, name="mlp")

        # === Functional model ===
        interactions = interaction_terms(
            features,
            vocabulary_sizes,
            architecture,
            search,
            read_embeddings=bool(hidden_units) and "embeddings" in inputs,
            read_products=bool(hidden_units) and "products" in inputs,
            read_normalized_products=bool(hidden_units) and "normalized_products" in inputs,
            read_values=bool(hidden_units) and "scalars" in inputs,
            embedding_regularizer=embedding_regularizer,
            **interaction_options,
        )
        logits = interactions.linear + interactions.total
        read = {
            "embeddings": interactions.embeddings,
            "products": interactions.products,
            "normalized_products": interactions.normalized_products,
            "scalars": interactions.values,
        }
        if hidden_units:
            logits = logits + mlp(ops.concatenate([read[name] for name in inputs], axis=1))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            architecture=architecture and interactions.architecture,
            search=search,
            hidden_units=hidden_units,
            mlp_inputs=mlp_inputs,
            mlp_norm=mlp_norm,
            dropout=dropout,
            input_dropout=input_dropout,
            embedding_regularizer=embedding_regularizer,
            **interaction_options,
        )
        self.architecture = interactions.architecture
