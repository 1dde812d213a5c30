"""AutoGroup: groups of fields, searched for each order of interactions."""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from aim_keras.arguments import checked_integers
from aim_keras.feature_groups import FeatureGroups, smallest_group
from aim_keras.fields import Field
from aim_keras.layers import MLP, FunctionWiseEmbedding, GroupInteraction
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import check_fields, field_inputs

SEARCHES = ("groups", None)

logger = logging.getLogger(__name__)


@keras.saving.register_keras_serializable("aim_keras")
class AutoGroup(CTRModel):
    """AutoGroup: an MLP over the interactions of groups of fields, which can be searched.

        logits = <w, x> + b + MLP([I^1_1, ..., I^1_{m_1}, ..., I^P_1, ..., I^P_{m_P}])

    with `I^p_j` the interaction of order `p` of its `j`-th group: see `GroupInteraction`. Order 1
    gives vectors, any other scalars. Each order has embeddings of its own, batch-normalized; they
    lie side by side in one table.

    A search trains the gates on the memberships and all other weights together, each by its own
    optimizer (`with_gates`), at one point: the same batch, the same loss, the same sample of
    groups. The published port (huawei-noah/vega) takes two steps a batch, of the weights with the
    groups as they stand, then of the gates with sampled groups, both on the training set. After the
    search a new model is trained with the found groups; the port keeps the searched one.

    The paper's text was not at hand: what is here follows its abstract (groups of features for each
    order, an interaction function of any order on each, an MLP) and that port, which also has the
    linear term, the batch norm, embeddings of each order, groups of order 1, scalars above it, and
    one sample of the groups a batch. Chosen here: the powers that are subtracted are those of a
    group's members (the port: of all fields, times 0.01), and order 1 subtracts none.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        architecture: `FeatureGroups`, or the path of their file, that are built, or, in a search,
            searched within; `None` for all fields in every group.
        search: `"groups"` or `None`: whether there are gates.
        num_groups: Sequence of integers >= 0: the number `m_p` of groups of each order, from 1,
            where `architecture` is `None`.
        embedding_dims: Sequence of integers >= 1: the embedding dimension of each order, from 1.
        temperature: of a `GroupInteraction`.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        epsilon: of the batch norm of the embeddings.
        momentum: of the batch norm of the embeddings.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Raises:
        ValueError: on an argument outside these rules, or groups of other fields or of an order
            without an embedding dimension.

    Example:

    ```pycon
    >>> sizes = {"user": 1000, "item": 50, "hour": 24}
    >>> model = AutoGroup(sizes, search="groups", num_groups=(2, 3), embedding_dims=(8, 8))
    >>> model.get_layer("mlp").input.shape  # two vectors of 8, three scalars
    (None, 19)
    ```

    References: Liu et al., AutoGroup, SIGIR 2020; Jang et al., Categorical Reparameterization with
    Gumbel-Softmax, ICLR 2017.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        architecture: FeatureGroups | Mapping | str | os.PathLike | None = None,
        search: str | None = None,
        num_groups: Sequence[int] = (10, 30, 30),
        embedding_dims: Sequence[int] = (10, 10, 10),
        temperature: float = 0.1,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "autogroup",
    ) -> None:
        _check_search(search)
        _check_orders(num_groups, embedding_dims)

        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        given = None if architecture is None else FeatureGroups.of(architecture)
        groups = given or FeatureGroups.full(vocabulary_sizes, num_groups)
        _check_groups(groups, vocabulary_sizes, embedding_dims)
        dims = {order: embedding_dims[order - 1] for order in groups.orders}
        exact = keras.config.dtype_policy().variable_dtype
        widest = max(dims.values(), default=1)
        same = set(dims.values()) == {widest}
        embedding = FunctionWiseEmbedding(
            vocabulary_sizes,
            widest,
            num_functions=len(dims) or 1,
            dimensions=None if same else _dimensions(dims.values(), len(vocabulary_sizes)),
            linear=True,
            regularizer=embedding_regularizer,
            dtype=exact,
            name="embedding",
        )
        interactions = {
            order: GroupInteraction(
                order,
                _positions(groups, order),
                searched=search == "groups",
                temperature=temperature,
                epsilon=epsilon,
                momentum=momentum,
                dtype=exact,
                name=f"interaction_{order}",
            )
            for order in dims
        }
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        e, logits = embedding(features)  # (batch, orders, fields, dim), (batch, 1)
        values = [
            interactions[order](e[:, i, :, :dim]) for i, (order, dim) in enumerate(dims.items())
        ]
        if values:
            logits += mlp(ops.concatenate(values, axis=1))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            architecture=given and given.to_dict(),
            search=search,
            num_groups=num_groups,
            embedding_dims=embedding_dims,
            temperature=temperature,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            epsilon=epsilon,
            momentum=momentum,
            embedding_regularizer=embedding_regularizer,
        )
        self.architecture = groups

    def read_groups(self) -> FeatureGroups:
        """The groups as the gates have them now, without those whose interaction is always zero."""
        fields = self.architecture.fields
        groups: dict[int, Any] = {}
        for order in self.architecture.orders:
            layer = self.get_layer(f"interaction_{order}")
            members = layer.members()
            if layer.searched and not ops.convert_to_numpy(layer.alpha).any():
                logger.warning(
                    "All gates of %s are zero, as `GRDA` leaves them, so no field is in a group: "
                    "train them by another optimizer, `with_gates(weights, Adam(...))`.",
                    layer.path,
                )
            groups[order] = [
                [fields[i] for i in group]
                for group in members
                if len(group) >= smallest_group(order)
            ]
        return FeatureGroups(fields, groups)


def _positions(groups, order):
    return [[groups.fields.index(field) for field in group] for _, group in groups.units(order)]


def _dimensions(dims, num_fields):
    return [[range(dim)] * num_fields for dim in dims] or [[()] * num_fields]


def _check_search(search):
    if search not in SEARCHES:
        raise ValueError(f"search must be one of {SEARCHES}. Received: search={search!r}")


def _check_orders(num_groups, embedding_dims):
    checked_integers("num_groups", num_groups, least=0)
    checked_integers("embedding_dims", embedding_dims)
    if len(num_groups) != len(embedding_dims):
        raise ValueError(
            "num_groups and embedding_dims must have an integer for each order. "
            f"Received: num_groups={num_groups}, embedding_dims={embedding_dims}"
        )


def _check_groups(groups, vocabulary_sizes, embedding_dims):
    check_fields("groups", groups.fields, vocabulary_sizes)
    if max(groups.orders, default=1) > len(embedding_dims):
        raise ValueError(
            "The groups' orders must have an embedding dimension each. "
            f"Received: orders {groups.orders}, embedding_dims={embedding_dims}"
        )
