"""Factorization machine."""

import os
from collections.abc import Mapping
from typing import Unpack

import keras

from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import field_inputs
from aim_keras.models.interaction_terms import InteractionOptions, interaction_terms


@keras.saving.register_keras_serializable("aim_keras")
class FM(CTRModel):
    """Factorization machine, with any interactions, functions and orders.

        logits = <w, x> + b + sum_{(k, q)} y_{k, q}        (AIM, Eq. 4, 5 and 14)

    By default the interactions are the inner products of all pairs of fields: the ordinary FM.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        architecture: `Architecture`, or the path of its file, whose interactions and dimensions
            are built; `None` for every pair of fields.
        search: `"interactions"`, `"dimensions"` or `None`: which gates there are.
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
    >>> model = FM(sizes, search="interactions", functions=["inner", "outer"])
    >>> model.get_layer("interaction_2").alpha.shape  # a gate for each function of each pair
    (6,)
    ```

    References: Rendle, Factorization Machines, ICDM 2010; AIM, section 3.1.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        architecture: Architecture | Mapping | str | os.PathLike | None = None,
        search: str | None = None,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "fm",
        **interaction_options: Unpack[InteractionOptions],
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)

        # === Functional model ===
        interactions = interaction_terms(
            features,
            vocabulary_sizes,
            architecture,
            search,
            read_embeddings=False,
            read_values=False,
            embedding_regularizer=embedding_regularizer,
            **interaction_options,
        )
        logits = interactions.linear + interactions.total

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            architecture=architecture and interactions.architecture,
            search=search,
            embedding_regularizer=embedding_regularizer,
            **interaction_options,
        )
        self.architecture = interactions.architecture
