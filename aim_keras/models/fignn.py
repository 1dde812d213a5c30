"""Fi-GNN."""

from collections.abc import Mapping

import keras
from keras import ops

from aim_keras.arguments import checked_integer
from aim_keras.fields import Field
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import embedded_fields, field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class FieldGraph(keras.layers.Layer):
    """Embeddings that the fields send each other along the edges of their full graph.

        g_{ij} = softmax_j(leaky_relu(<u, e_i> + <v, e_j>)),  j != i
        a_i = In_i sum_j g_{ij} Out_j h_j + b
        h_i <- GRU(a_i, h_i) + e_i

    `h` starts as `e`. Each step has its own `In`, `Out` and `b`; all share one GRU. A field without
    others sends to itself.

    Args:
        steps: Integer >= 1: the number of steps.
        gru: Boolean, whether there is a GRU, or `a_i + h_i` in its place.

    Input and output shape: `(batch, fields, dim)`.
    """

    def __init__(self, steps, gru=True, **kwargs):
        super().__init__(**kwargs)
        self.steps = checked_integer("steps", steps)
        self.gru = gru

    def build(self, input_shape):
        _, fields, dim = input_shape
        self.edges = self.add_weight((dim, 2), name="edges")
        self.of_step = [
            (
                self.add_weight((fields, dim, dim), name=f"out_{t}"),
                self.add_weight((fields, dim, dim), name=f"in_{t}"),
                self.add_weight((dim,), "zeros", name=f"bias_{t}"),
            )
            for t in range(self.steps)
        ]
        if self.gru:
            options = {"dtype": self.dtype_policy, "trainable": self.trainable}
            self.cell = keras.layers.GRUCell(dim, **options, name="gru")
            self.cell.build((None, dim))

    def call(self, inputs):
        graph = self._graph(inputs)
        h = e = _swapped(inputs)  # (fields, batch, dim), as one matrix product a field takes it
        for outward, inward, bias in self.of_step:
            received = ops.matmul(graph, _swapped(ops.matmul(h, outward)))
            a = ops.matmul(_swapped(received), inward) + bias
            h = (self._gated(a, h) if self.gru else a + h) + e
        return _swapped(h)

    def _graph(self, inputs):
        """The weight of each edge, `(batch, to, from)`, zero from a field to itself."""
        to, source = ops.split(ops.matmul(inputs, self.edges), 2, axis=2)
        scores = ops.leaky_relu(to + ops.transpose(source, (0, 2, 1)), 0.01)
        return ops.softmax(ops.where(ops.eye(inputs.shape[1], dtype="bool"), -1e9, scores))

    def _gated(self, a, h):
        fields, _, dim = h.shape
        states, _ = self.cell(ops.reshape(a, (-1, dim)), [ops.reshape(h, (-1, dim))])
        return ops.reshape(states, (fields, -1, dim))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "steps": self.steps, "gru": self.gru}


def _swapped(tensor):
    return ops.transpose(tensor, (1, 0, 2))


@keras.saving.register_keras_serializable("aim_keras")
class FiGNN(CTRModel):
    """Fi-GNN: a graph neural network on the full graph of the fields.

        logits = sum_i sigmoid(<w_i, H>) <s, h_i>,  H = graph(E)

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        steps: of the `FieldGraph`.
        gru: of the `FieldGraph`.
        embedding_regularizer: of the embedding tables.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = FiGNN({"user": 1000, "item": 50, "hour": 24}, steps=2)
    >>> model.get_layer("graph").output.shape
    (None, 3, 10)
    >>> model.get_layer("importance").output.shape  # of each field in an example
    (None, 3)
    ```

    Reference: Li et al., Fi-GNN, CIKM 2019. As in the authors' code each step has an `Out` and an
    `In` of its own; unlike the paper's, the graph has no self-attention in front of it, and a
    field's importance reads all fields' states.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        embedding_dim: int = 10,
        steps: int = 3,
        gru: bool = True,
        embedding_regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "fignn",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = {"dtype": keras.config.dtype_policy().variable_dtype}
        graph = FieldGraph(steps, gru, **exact, name="graph")
        score = keras.layers.Dense(1, use_bias=False, **exact, name="score")
        importance = keras.layers.Dense(
            len(vocabulary_sizes), "sigmoid", use_bias=False, **exact, name="importance"
        )
        flatten = keras.layers.Flatten(**exact)

        # === Functional model ===
        e = embedded_fields(
            features,
            vocabulary_sizes,
            embedding_dim,
            linear=False,
            regularizer=embedding_regularizer,
        )
        h = graph(e)
        logits = ops.sum(importance(flatten(h)) * flatten(score(h)), axis=1, keepdims=True)

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            embedding_dim=embedding_dim,
            steps=steps,
            gru=gru,
            embedding_regularizer=embedding_regularizer,
        )
