"""AutoEmb: embeddings whose size follows the popularity of an id."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import checked_increasing
from aim_keras.fields import Field, as_fields
from aim_keras.layers import MLP, FunctionWiseEmbedding, ParamFreeBatchNorm
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import field_inputs

EPSILON = 1e-10  # below the variance of embeddings, which a strong L2 leaves near 1e-8


@keras.saving.register_keras_serializable("aim_keras")
class Popularity(FunctionWiseEmbedding):
    """A table of numbers that, like moving averages, are never trained: not even in a model that
    was frozen and is made trainable again."""

    def add_weight(self, *arguments: Any, **options: Any) -> Any:
        return super().add_weight(*arguments, **{**options, "trainable": False})


@keras.saving.register_keras_serializable("aim_keras")
class AutoEmb(CTRModel):
    """AutoEmb: embeddings whose size follows the popularity of an id, under an MLP.

        logits = MLP([E_1, ..., E_F])
        E_i = sum_n p_{i,n} tanh(BN(W_{i,n} e_{i,n} + b_{i,n}))
        p_i = softmax(controller_i(popularity(x_i)))
        popularity(x) = log(1 + count of x) / max_x' log(1 + count of x')

    `e_{i,n}` is the embedding of the n-th candidate dimension, each in a table of its own, and
    `controller_i` a small MLP: so a popular id can be told apart in many dimensions while a rare
    one keeps to few. A list has the mean popularity of its ids, a dense field that of its only id.
    The model is served as it was trained: nothing is searched first.

    The controllers are trained with all other weights, and counts are fixed. In the paper they are
    trained on validation rows, also read the training's state, and counts grow with a stream.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        counts: `{field: counts of its ids}`, how often each id occurs in the rows of train alone.
            `None` only for a model whose weights are set or loaded afterwards, which hold them:
            until then all ids have the popularity 0.
        candidate_dimensions: Increasing integers >= 1; the last one is the dimension of `E_i`.
        controller_units: Width of the controllers' hidden layer.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> counts = {"user": np.arange(1000), "item": np.arange(50)}
    >>> model = AutoEmb({"user": 1000, "item": 50}, counts, candidate_dimensions=(2, 4, 8))
    >>> model.get_layer("controller_weights").output.shape  # of each field's three candidates
    (None, 2, 3)
    ```

    Reference: Zhao et al., AutoEmb: Automated Embedding Dimensionality Search in Streaming
    Recommendations, ICDM 2021.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        counts: Any,
        candidate_dimensions: Sequence[int] = (2, 4, 8),
        controller_units: int = 16,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "autoemb",
    ) -> None:
        dimensions = checked_increasing("candidate_dimensions", candidate_dimensions)

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        fields = as_fields(vocabulary_sizes)
        exact = {"dtype": keras.config.dtype_policy().variable_dtype}
        embeddings = [
            FunctionWiseEmbedding(
                fields,
                d,
                regularizer=embedding_regularizer,
                name=f"embedding_{d}",
                **exact,
            )
            for d in dimensions
        ]
        transformations = [
            keras.layers.EinsumDense(
                "bfd,fde->bfe",
                (len(fields), dimensions[-1]),
                bias_axes="fe",
                name=f"transformation_{d}",
                **exact,
            )
            for d in dimensions
        ]
        norms = [ParamFreeBatchNorm(EPSILON, name=f"norm_{d}", **exact) for d in dimensions]
        popularity = Popularity(
            {name: _single(field) for name, field in fields.items()},
            1,
            initializer="zeros",
            name="popularity",
            **exact,
        )
        controller = [
            keras.layers.EinsumDense(
                "bfu,fuv->bfv", (len(fields), units), bias_axes="fv", name=name, **exact, **options
            )
            for units, name, options in (
                (controller_units, "controller_hidden", {"activation": "relu"}),
                (len(dimensions), "controller_weights", {"activation": "softmax"}),
            )
        ]
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        ids = features[0] if isinstance(features, list) else features
        p = controller[1](controller[0](popularity(ids)[:, 0]))  # (batch, fields, candidates)
        candidates = [
            ops.tanh(norm(transformation(embedding(features)[:, 0])))
            for embedding, transformation, norm in zip(
                embeddings, transformations, norms, strict=True
            )
        ]
        e = sum(p[..., n, None] * candidate for n, candidate in enumerate(candidates))
        logits = mlp(keras.layers.Flatten()(e))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            counts=None,
            candidate_dimensions=candidate_dimensions,
            controller_units=controller_units,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
        if counts is not None:
            popularity.set_embeddings([_popularity(counts, fields)])


def _single(field):
    """A field whose row is the mean of its own ids' rows, whatever their weights."""
    return dataclasses.replace(field, weighted=False, combiner="mean", table=None)


def _popularity(counts, fields):
    """Each field's popularity by id, `(ids, 1)`, from 0 to 1."""
    if not isinstance(counts, Mapping) or set(counts) != set(fields):
        raise ValueError(
            f"counts must have the counts of each of the fields {tuple(fields)}. "
            f"Received: counts={counts!r:.200}"
        )
    of_fields = []
    for name, field in fields.items():
        of_field = np.asarray(counts[name], "float64")
        if of_field.shape != (field.size,) or not np.all(of_field >= 0):
            raise ValueError(
                f"counts[{name!r}] must hold a number >= 0 for each of {field.size} ids. "
                f"Received: shape {of_field.shape}, {of_field!r:.200}"
            )
        logs = np.log1p(of_field)
        of_fields.append((logs / max(logs.max(), 1e-9))[:, None])
    return of_fields
