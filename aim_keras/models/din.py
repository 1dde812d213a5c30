"""Deep interest network."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from aim_keras.fields import PADDING, Field, as_fields, places
from aim_keras.layers import MLP, TargetAttention
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class DIN(CTRModel):
    """Deep interest network (DIN): an MLP over embeddings, where attention to a target pools lists.

        logits = MLP(E),  e_history = sum_l a(e_item, e_{history, l}) e_{history, l}

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        targets: `{field of a list: field of its target}`, as `{"history": "item"}`: each list is
            attended by itself, and best has the table of its target. Of other lists the `Field`
            says how they are pooled.
        embedding_dim: The embedding dimension.
        attention_units: Widths of the hidden layers of each `TargetAttention`.
        attention_dropout: of each `TargetAttention`.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, columns)`, integers: see `field_inputs`. Output shape: `(batch, 1)`,
    logits.

    Raises:
        ValueError: unless each of `targets` is a list without weights, and its target one id.

    Example:

    ```pycon
    >>> history = Field(50, length=6, table="item")  # it reads the rows of the item
    >>> model = DIN({"user": 1000, "item": 50, "history": history}, {"history": "item"})
    >>> model(np.array([[999, 7, 4, 7, 12, -1, -1, -1]])).shape  # three items were seen
    (1, 1)
    ```

    Reference: Zhou et al., Deep Interest Network, KDD 2018.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        targets: Mapping[str, str],
        embedding_dim: int = 10,
        attention_units: Sequence[int] = (64,),
        attention_dropout: float = 0.0,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "din",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        fields = as_fields(vocabulary_sizes)
        _check_targets(targets, fields)
        attention = {
            field: TargetAttention(
                attention_units, attention_dropout, dtype=exact, name=f"attention_{i}"
            )
            for i, field in enumerate(targets)
        }
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        separate = _with_a_field_for_each_place(fields, targets)
        e = embedded_fields(
            features,
            separate,
            embedding_dim,
            linear=False,
            regularizer=embedding_regularizer,
        )
        ids = features[0] if isinstance(features, list) else features
        slices = dict(zip(fields, places(fields.values()), strict=True))
        lengths = [kind.length if field in targets else 1 for field, kind in fields.items()]
        rows = dict(
            zip(fields, ops.split(e, np.cumsum(lengths)[:-1].tolist(), axis=1), strict=True)
        )

        def embedding_of(field):
            if field not in targets:
                return rows[field][:, 0]
            used = ops.not_equal(ids[:, slices[field][0]], PADDING)
            return attention[field]([rows[targets[field]][:, 0], rows[field], used])

        logits = mlp(ops.concatenate([embedding_of(field) for field in fields], axis=1))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            targets=targets,
            embedding_dim=embedding_dim,
            attention_units=attention_units,
            attention_dropout=attention_dropout,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )


def _check_targets(targets, fields):
    if not isinstance(targets, Mapping) or not targets or {*map(type, targets.values())} != {str}:
        raise ValueError(
            f"targets must map fields of lists to those of their targets. Received: {targets!r}"
        )
    for field, target in targets.items():
        is_list = field in fields and fields[field].multi_valued and not fields[field].weighted
        is_one = target in fields and not (fields[target].multi_valued or fields[target].weighted)
        if not (is_list and is_one):
            raise ValueError(
                "targets must map a field of a list without weights to a field of one id. "
                f"Received: {field!r} for {target!r}, {fields.get(field)} for {fields.get(target)}"
            )


def _with_a_field_for_each_place(fields, lists):
    """The fields, each place of these lists one of its own, of the list's table."""
    separate = {}
    for name, field in fields.items():
        if name in lists:
            place = dataclasses.replace(field, length=1, combiner="sum", table=field.table or name)
            separate |= {(name, i): place for i in range(field.length)}
        else:
            separate[name] = field
    return separate
