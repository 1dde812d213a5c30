"""AutoGroup: groups of fields, searched for each order of interactions."""

import functools

import keras
import numpy as np
from keras import ops

from aim_keras.feature_groups import FeatureGroups, smallest_group
from aim_keras.layers import MLP, FunctionWiseEmbedding, ParamFreeBatchNorm
from aim_keras.layers.gates import GATE_ALPHA
from aim_keras.models.config import serialized
from aim_keras.models.inputs import field_inputs

SEARCHES = ("groups", None)


@keras.saving.register_keras_serializable("aim_keras")
class AutoGroup(keras.Model):
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
        mlp_norm, dropout: of the `MLP`.
        epsilon, momentum: of the batch norm of the embeddings.
        embedding_regularizer: of the embedding tables and of the linear weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Raises:
        ValueError: on an argument outside these rules, or groups of other fields or of an order
            without an embedding dimension.

    References: Liu et al., AutoGroup, SIGIR 2020; Jang et al., Categorical Reparameterization with
    Gumbel-Softmax, ICLR 2017.
    """

    def __init__(
        self,
        vocabulary_sizes,
        architecture=None,
        search=None,
        num_groups=(10, 30, 30),
        embedding_dims=(10, 10, 10),
        temperature=0.1,
        hidden_units=(400, 400, 400),
        mlp_norm="none",
        dropout=0.0,
        epsilon=1e-5,
        momentum=0.9,
        embedding_regularizer=None,
        name="autogroup",
    ):
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
            vocabulary_sizes.values(),
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
        super().__init__(inputs=features, outputs=ops.cast(logits, "float32"), name=name)

        # === Config ===
        self.architecture = groups
        self._arguments = serialized(
            vocabulary_sizes=dict(vocabulary_sizes),
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

    def read_groups(self) -> FeatureGroups:
        """The groups as the gates have them now, without those whose interaction is always zero."""
        fields, groups = self.architecture.fields, {}
        for order in self.architecture.orders:
            members = self.get_layer(f"interaction_{order}").members()
            groups[order] = [
                [fields[i] for i in group]
                for group in members
                if len(group) >= smallest_group(order)
            ]
        return FeatureGroups(fields, groups)

    def get_config(self):
        return {**self._arguments, "name": self.name}


@keras.saving.register_keras_serializable("aim_keras")
class GroupInteraction(keras.layers.Layer):
    """Interactions of one order of groups of fields.

        u_j = sum_i z_{i,j} w_{i,j} BN(e_i)
        I_j = u_j                                                            (order 1)
        I_j = sum_d (u_{j,d}^p - sum_i (z_{i,j} w_{i,j} BN(e_i)_d)^p)        (order p >= 2)

    with a weight `w_{i,j}` for each field and group, and `z_{i,j}` whether field `i` is in group
    `j`. For `p = 2` this is twice the sum over the pairs of members.

    In a search `z` is sampled once a batch in training, by the Gumbel-softmax of two choices, whose
    noise is logistic, and passes its gradient straight through:

        y = sigmoid((alpha + log(U / (1 - U))) / temperature),  U ~ U(0, 1)
        z = 1 if y > 1/2 else 0,                                dz/dalpha = dy/dalpha

    and at inference `z = 1 if alpha > 0 else 0`. The gates `alpha` start in U(-0.001, 0.001), so
    that groups start as random halves of the fields.

    Args:
        order: Integer >= 1.
        groups: Sequence of groups, each a sequence of positions of fields; in a search those that
            may be in it.
        searched: Whether there are gates.
        temperature: Float > 0.
        epsilon, momentum: of the `ParamFreeBatchNorm` of the embeddings.

    Input shape: `(batch, fields, dim)`. Output shape: `(batch, dim * groups)` for order 1,
    `(batch, groups)` for any other.
    """

    def __init__(
        self,
        order,
        groups,
        searched=False,
        temperature=0.1,
        epsilon=1e-5,
        momentum=0.9,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0. Received: temperature={temperature}")
        self.order = order
        self.groups = [list(group) for group in groups]
        self.searched = searched
        self.temperature = temperature
        self.epsilon = epsilon
        self.momentum = momentum
        self.batch_norm = ParamFreeBatchNorm(
            epsilon, momentum, dtype=self.dtype_policy, name="batch_norm"
        )
        self.seed_generator = keras.random.SeedGenerator() if searched else None

    def build(self, input_shape):
        _, num_fields, _ = input_shape
        shape = (num_fields, len(self.groups))
        self._candidates = np.zeros(shape, "float32")
        for j, group in enumerate(self.groups):
            self._candidates[group, j] = 1
        self.weight = self.add_weight(shape, "glorot_uniform", name="weight")
        if self.searched:
            start = keras.initializers.RandomUniform(-0.001, 0.001)
            self.alpha = self.add_weight(shape, start, name=GATE_ALPHA)
        self.batch_norm.build(input_shape)

    def call(self, inputs, training=False):
        e = self.batch_norm(inputs, training=training)  # (batch, fields, dim)
        weight = self._membership(training) * self.weight  # (fields, groups)
        u = ops.matmul(ops.transpose(e, (0, 2, 1)), weight)  # (batch, dim, groups)
        if self.order == 1:
            return ops.reshape(u, (-1, u.shape[1] * u.shape[2]))
        alone = ops.matmul(ops.sum(self._power(e), axis=2), self._power(weight))
        return ops.sum(self._power(u), axis=1) - alone

    def _membership(self, training):
        candidates = ops.convert_to_tensor(self._candidates, self.compute_dtype)
        if not self.searched:
            return candidates
        if not training:
            return candidates * ops.cast(self.alpha > 0, candidates.dtype)
        uniform = keras.random.uniform(candidates.shape, minval=1e-7, seed=self.seed_generator)
        noisy = self.alpha + ops.log(uniform) - ops.log1p(-uniform)
        y = ops.sigmoid(noisy / self.temperature)
        z = ops.cast(noisy > 0, candidates.dtype) + (y - ops.stop_gradient(y))
        return candidates * z

    def _power(self, x):
        return functools.reduce(ops.multiply, [x] * self.order)

    def members(self) -> list[list[int]]:
        """The positions of the fields in each group, as they are at inference."""
        if not self.searched:
            return self.groups
        inside = (ops.convert_to_numpy(self.alpha) > 0) & (self._candidates > 0)
        return [np.flatnonzero(group).tolist() for group in inside.T]

    def compute_output_shape(self, input_shape):
        batch, _, dim = input_shape
        return (batch, len(self.groups) * (dim if self.order == 1 else 1))

    def get_config(self):
        return {
            **super().get_config(),
            "order": self.order,
            "groups": self.groups,
            "searched": self.searched,
            "temperature": self.temperature,
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }


def _positions(groups, order):
    return [[groups.fields.index(field) for field in group] for _, group in groups.units(order)]


def _dimensions(dims, num_fields):
    return [[range(dim)] * num_fields for dim in dims] or [[()] * num_fields]


def _check_search(search):
    if search not in SEARCHES:
        raise ValueError(f"search must be one of {SEARCHES}. Received: search={search!r}")


def _check_orders(num_groups, embedding_dims):
    for name, values, least in (
        ("num_groups", num_groups, 0),
        ("embedding_dims", embedding_dims, 1),
    ):
        if not all(isinstance(value, int) and value >= least for value in values):
            raise ValueError(
                f"{name} must be integers of at least {least}. Received: {name}={values}"
            )
    if len(num_groups) != len(embedding_dims):
        raise ValueError(
            "num_groups and embedding_dims must have an integer for each order. "
            f"Received: num_groups={num_groups}, embedding_dims={embedding_dims}"
        )


def _check_groups(groups, vocabulary_sizes, embedding_dims):
    if groups.fields != tuple(vocabulary_sizes):
        raise ValueError(
            "The groups must have the fields of vocabulary_sizes, in their order. "
            f"Received: {groups.fields} for the fields {tuple(vocabulary_sizes)}"
        )
    if max(groups.orders, default=1) > len(embedding_dims):
        raise ValueError(
            "The groups' orders must have an embedding dimension each. "
            f"Received: orders {groups.orders}, embedding_dims={embedding_dims}"
        )
