"""AutoFeature: a network of its own for each pair of fields."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import checked_integer
from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.layers.interaction_functions import IdentityMatrices
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import check_fields, embedded_fields, field_inputs
from aim_keras.pair_operations import PairOperations


@keras.saving.register_keras_serializable("aim_keras")
class AutoFeature(CTRModel):
    """AutoFeature: an MLP over the embeddings and a network of its own for each pair of fields.

        logits = MLP([E, y])
        y_{i,j} = relu(W_{i,j} o_{i,j} + b_{i,j})

    where the operation of the pair is one of

        addition               o_{i,j} = e_i + e_j
        product                o_{i,j} = e_i * e_j
        concatenation          o_{i,j} = [e_i, e_j]
        generalized_product    o_{i,j} = (K_{i,j} e_i) * e_j

    or null: then the pair has no `y_{i,j}`. `W`, `b` and `K` belong to the pair alone; the kernels
    `K` start as identities, the projections `W` at random.

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        architecture: `PairOperations`, or the path of their file; `None` for the products of all
            pairs.
        search: `None`: candidates are trained and compared as whole models (`search.evolve`), so
            there are no gates to search by.
        embedding_dim: The embedding dimension.
        pair_units: Integer >= 1, the width of each `y_{i,j}`.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Raises:
        ValueError: on operations of other fields, or an argument outside these rules.

    Example:

    ```pycon
    >>> sizes = {"user": 1000, "item": 50, "hour": 24}
    >>> operations = {"product": [("user", "item")], "addition": [("item", "hour")]}
    >>> model = AutoFeature(sizes, architecture=PairOperations(list(sizes), operations))
    >>> model.get_layer("mlp").input.shape  # three embeddings, two pairs' networks, of 10 each
    (None, 50)
    ```

    References: Khawar et al., AutoFeature, CIKM 2020; the generalized product is the kernel product
    of Qu et al., Product-based Neural Networks over Multi-field Categorical Data, TOIS 2018.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        architecture: Any = None,
        search: str | None = None,
        embedding_dim: int = 10,
        pair_units: int = 10,
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "autofeature",
    ) -> None:
        features = field_inputs(vocabulary_sizes)
        fields = tuple(vocabulary_sizes)
        if architecture is None:
            architecture = PairOperations.full(fields)
        architecture = PairOperations.of(architecture)
        check_fields("architecture", architecture.fields, vocabulary_sizes)
        if search is not None:
            raise ValueError(
                f"search must be None: AutoFeature has no gates. Received: search={search!r}"
            )
        pair_units = checked_integer("pair_units", pair_units)

        # === Layers ===
        exact = {"dtype": keras.config.dtype_policy().variable_dtype}
        networks = {
            operation: OperationNetworks(
                operation,
                [[fields.index(field) for field in pair] for pair in pairs],
                pair_units,
                **exact,
                name=operation,
            )
            for operation, pairs in architecture.operations.items()
        }
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        e = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            linear=False,
            regularizer=embedding_regularizer,
        )  # (batch, fields, dim)
        y = [network(e) for network in networks.values()]  # (batch, pairs * pair_units) each
        flat = ops.reshape(e, (-1, len(fields) * embedding_dim))
        logits = mlp(ops.concatenate([flat, *y], axis=1))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            architecture=architecture.to_dict(),
            search=search,
            embedding_dim=embedding_dim,
            pair_units=pair_units,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
        self.architecture = architecture


@keras.saving.register_keras_serializable("aim_keras")
class OperationNetworks(keras.layers.Layer):
    """The networks of all pairs with the same operation, `(batch, fields, dim)` to outputs.

    Args:
        operation: One of `pair_operations.OPERATIONS`.
        pairs: Sequence of pairs of field positions.
        units: The width of a network's output.

    Output shape: `(batch, pairs * units)`.
    """

    def __init__(self, operation, pairs, units, **kwargs):
        super().__init__(**kwargs)
        self.operation = operation
        self.pairs = [list(pair) for pair in pairs]
        self.first, self.second = np.array(pairs, "int32").T
        self.units = units

    def build(self, input_shape):
        pairs, dim = len(self.first), input_shape[-1]
        width = 2 * dim if self.operation == "concatenation" else dim
        if self.operation == "generalized_product":
            self.kernels = self.add_weight(
                (pairs, dim, dim),
                IdentityMatrices(),
                name="kernels",
            )
        self.projections = self.add_weight(
            (pairs, width, self.units),
            keras.initializers.VarianceScaling(pairs, "fan_avg", "uniform"),
            name="projections",
        )
        self.bias = self.add_weight((pairs, 1, self.units), "zeros", name="bias")

    def call(self, inputs):
        by_field = ops.transpose(inputs, (1, 0, 2))
        first, second = (ops.take(by_field, at, axis=0) for at in (self.first, self.second))
        o = self._operated(first, second)  # (pairs, batch, width)
        y = ops.relu(ops.matmul(o, self.projections) + self.bias)
        return ops.reshape(ops.transpose(y, (1, 0, 2)), (-1, len(self.first) * self.units))

    def _operated(self, first, second):
        if self.operation == "addition":
            return first + second
        if self.operation == "concatenation":
            return ops.concatenate([first, second], axis=-1)
        if self.operation == "generalized_product":
            first = ops.matmul(first, self.kernels)
        return first * second

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.first) * self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "operation": self.operation,
            "pairs": self.pairs,
            "units": self.units,
        }
