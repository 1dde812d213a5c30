"""Inner product-based neural network."""

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


@keras.saving.register_keras_serializable("aim_keras")
class IPNN(CTRModel):
    """Inner product-based neural network: an MLP over embeddings and interactions.

        logits = MLP([E, y])        (AIM, Eq. 10, y the vector of all interactions)

    By default the interactions are the inner products of all pairs of fields.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        architecture: `Architecture`, or the path of its file, whose interactions and dimensions
            are built; `None` for every pair of fields.
        search: `"interactions"`, `"dimensions"` or `None`: which gates there are.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.
        **interaction_options: `embedding_dim`, `functions`, `gated`, `shared_embedding`,
            `share_orders`, `per_function_gates`, `candidate_dimensions`, `temperature_decay`,
            `embedding_initializer`, `epsilon`, `momentum`: of
            `aim_keras.models.interaction_terms.interaction_terms`.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = IPNN({"user": 1000, "item": 50, "hour": 24}, functions=["matrix_kernel"])
    >>> model.get_layer("interaction_2").kernels[0].shape  # this is KPNN: a matrix for each pair
    (1, 3, 10, 10)
    >>> model.get_layer("mlp").input.shape  # three embeddings of 10, three interactions
    (None, 33)
    ```

    References: Qu et al., Product-based Neural Networks, ICDM 2016; AIM, section 3.1.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        architecture: Architecture | Mapping | str | os.PathLike | None = None,
        search: str | None = None,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "ipnn",
        **interaction_options: Unpack[InteractionOptions],
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        interactions = interaction_terms(
            features,
            vocabulary_sizes,
            architecture,
            search,
            linear=False,
            embedding_regularizer=embedding_regularizer,
            **interaction_options,
        )
        logits = mlp(ops.concatenate([interactions.embeddings, interactions.values], axis=1))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            architecture=architecture and interactions.architecture,
            search=search,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
            **interaction_options,
        )
        self.architecture = interactions.architecture
