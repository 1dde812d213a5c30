"""Product-network in network."""

import itertools
import math
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import checked_integers
from aim_keras.fields import Field
from aim_keras.layers import MLP
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class PairNetworks(keras.layers.Layer):
    """A small network for each pair of fields, of their embeddings and their product.

        y_{ij} = W_{ij} relu(... W'_{ij} [e_i, e_j, e_i * e_j] + b'_{ij} ...) + b_{ij},  i < j

    The networks of all pairs are one grouped matrix product a layer.

    Args:
        units: Sequence of integers >= 1: the width of each layer of a network.

    Input shape: `(batch, fields, dim)`. Output shape: `(batch, pairs * units[-1])`.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = checked_integers("units", units)
        if not self.units:
            raise ValueError(f"units must hold at least one. Received: units={units}")

    def build(self, input_shape):
        _, fields, dim = input_shape
        if fields < 2:
            raise ValueError(f"A pair needs at least 2 fields. Received: shape {input_shape}")
        self.pairs = np.triu_indices(fields, 1)
        num_pairs = len(self.pairs[0])
        self.of_layer = []
        for i, (before, after) in enumerate(itertools.pairwise((3 * dim, *self.units))):
            limit = math.sqrt(6 / (before + after))  # Glorot's, of one pair's network
            uniform = keras.initializers.RandomUniform(-limit, limit)
            kernel = self.add_weight((num_pairs, before, after), uniform, name=f"kernel_{i}")
            bias = self.add_weight((num_pairs, 1, after), "zeros", name=f"bias_{i}")
            self.of_layer.append((kernel, bias))

    def call(self, inputs):
        by_field = ops.transpose(inputs, (1, 0, 2))
        one, other = (ops.take(by_field, fields, axis=0) for fields in self.pairs)
        x = ops.concatenate([one, other, one * other], axis=2)  # (pairs, batch, 3 dim)
        for i, (kernel, bias) in enumerate(self.of_layer):
            x = ops.matmul(ops.relu(x) if i else x, kernel) + bias
        return ops.reshape(ops.transpose(x, (1, 0, 2)), (-1, x.shape[0] * x.shape[2]))

    def compute_output_shape(self, input_shape):
        batch, fields, _ = input_shape
        return (batch, math.comb(fields, 2) * self.units[-1])

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("aim_keras")
class PIN(CTRModel):
    """Product-network in network: an MLP over what a small network makes of each pair of fields.

        logits = MLP([net_{ij}([e_i, e_j, e_i * e_j]) for all i < j])

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        pair_units: Widths of the layers of each pair's network, the last one without a ReLU.
        hidden_units: Widths of the MLP's hidden layers.
        mlp_norm: of the `MLP`.
        dropout: of the `MLP`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = PIN({"user": 1000, "item": 50, "hour": 24, "day": 7}, pair_units=(40, 5))
    >>> model.get_layer("mlp").input.shape  # 5 of each of six pairs
    (None, 30)
    ```

    Reference: Qu et al., Product-based Neural Networks over Multi-field Categorical Data, TOIS
    2018; its published code also normalizes each layer of a pair's network.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        pair_units: Sequence[int] = (40, 5),
        hidden_units: Sequence[int] = (400, 400, 400),
        mlp_norm: str = "none",
        dropout: float = 0.0,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "pin",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        networks = PairNetworks(pair_units, name="pairs")
        mlp = MLP(hidden_units, mlp_norm, dropout, name="mlp")

        # === Functional model ===
        e = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            linear=False,
            regularizer=embedding_regularizer,
        )
        logits = mlp(networks(e))

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            pair_units=pair_units,
            hidden_units=hidden_units,
            mlp_norm=mlp_norm,
            dropout=dropout,
            embedding_regularizer=embedding_regularizer,
        )
