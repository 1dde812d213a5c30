"""The same models as one writes them with Keras alone: an `Embedding` a field, Adam, `fit`."""

import itertools

import keras
import numpy as np
from keras import ops

from aim_keras.optimizers import with_gates
from experiments.benchmarks import ours
from experiments.benchmarks.reference import numbered


class Bias(keras.layers.Layer):
    """Adds one weight."""

    def build(self, input_shape):
        self.bias = self.add_weight((1,), "zeros", name="bias")

    def call(self, inputs):
        return inputs + self.bias


class PlainInteractions(keras.layers.Layer):
    """All pairs with each of AIM's four functions, batch norm, and gates.

    For each function both embeddings of each pair are gathered, as `(batch, pairs, dim)`.

    Input shape: `(batch, functions, fields, dim)`. Output shape: `(batch, functions * pairs)`.
    """

    def build(self, input_shape):
        _, _, fields, dim = input_shape
        pairs = list(itertools.combinations(range(fields), 2))
        self.left, self.right = np.array(pairs, "int32").T
        self.outer = self.add_weight((2, dim), "glorot_uniform", name="outer")
        self.vector = self.add_weight((len(pairs), dim), "ones", name="vector")
        self.scalar = self.add_weight((len(pairs), 1), "ones", name="scalar")
        units = len(ours.FUNCTIONS) * len(pairs)
        self.alpha = self.add_weight((units,), "ones", name="gate_alpha")
        self.norm = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, center=False, scale=False, name="norm"
        )
        self.norm.build((None, units))

    def call(self, inputs, training=False):
        sides = [
            (ops.take(inputs[:, k], self.left, axis=1), ops.take(inputs[:, k], self.right, axis=1))
            for k in range(len(ours.FUNCTIONS))
        ]
        (left, right), (outer_left, outer_right), vectors, scalars = sides
        values = [
            ops.sum(left * right, axis=-1),
            ops.sum(outer_left * self.outer[0], -1) * ops.sum(outer_right * self.outer[1], -1),
            ops.sum(vectors[0] * self.vector * vectors[1], axis=-1),
            ops.sum(scalars[0] * self.scalar * scalars[1], axis=-1),
        ]
        return self.norm(ops.concatenate(values, axis=1), training=training) * self.alpha


def compiled(
    model,
    searching=False,
    jit_compile="auto",
    steps_per_execution=ours.STEPS_PER_EXECUTION,
):
    """The model, compiled with Keras's own Adam, and GRDA for its gates."""
    optimizer = keras.optimizers.Adam(1e-3)
    if searching:
        optimizer = with_gates(weights=optimizer, gates=ours.gates_optimizer())
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit_compile, steps_per_execution=steps_per_execution)
    return model


def fm(shape):
    return deepfm(shape, hidden_units=())


def deepfm(shape, hidden_units=None):
    """FM by the square of the sum, and beside it an MLP if there are hidden units."""
    hidden_units = shape.hidden_units if hidden_units is None else hidden_units
    features = keras.Input((len(shape.sizes),), dtype="int32")
    embeddings = ops.stack(_embedded(features, shape.sizes, shape.embedding_dim, "table"), axis=1)
    square = ops.square(ops.sum(embeddings, axis=1)) - ops.sum(ops.square(embeddings), axis=1)
    logits = _linear(features, shape) + 0.5 * ops.sum(square, axis=1, keepdims=True)
    if hidden_units:
        logits = logits + _mlp(keras.layers.Flatten()(embeddings), hidden_units)
    return keras.Model(features, logits)


def ipnn(shape):
    """An MLP over embeddings and the inner products of both gathered sides of each pair."""
    features = keras.Input((len(shape.sizes),), dtype="int32")
    embeddings = ops.stack(_embedded(features, shape.sizes, shape.embedding_dim, "table"), axis=1)
    left, right = np.array(list(itertools.combinations(range(len(shape.sizes)), 2)), "int32").T
    products = ops.take(embeddings, left, axis=1) * ops.take(embeddings, right, axis=1)
    inputs = [keras.layers.Flatten()(embeddings), ops.sum(products, axis=-1)]
    return keras.Model(features, _mlp(ops.concatenate(inputs, axis=1), shape.hidden_units))


def _mlp(outputs, hidden_units):
    for k, units in enumerate(hidden_units):
        outputs = keras.layers.Dense(units, activation="relu", name=f"dense_{k}")(outputs)
    return keras.layers.Dense(1, name=f"dense_{len(hidden_units)}")(outputs)


def aim_search(shape):
    """AIM's search of interactions, an embedding a field that holds those of all functions."""
    functions, dim = len(ours.FUNCTIONS), shape.embedding_dim
    features = keras.Input((len(shape.sizes),), dtype="int32")
    rows = ops.stack(_embedded(features, shape.sizes, functions * dim, "table"), axis=1)
    embeddings = ops.reshape(rows, (-1, len(shape.sizes), functions, dim))
    embeddings = ops.transpose(embeddings, (0, 2, 1, 3))
    return _searched(features, embeddings, _linear(features, shape), "search")


def aim_search_over_our_embedding(shape):
    """The same with our embedding: what is left is the layer of the interactions."""
    model = ours.aim_search(shape)
    return _searched(model.input, *model.get_layer("embedding_2").output, "layer")


def _searched(features, embeddings, linear, name):
    values = PlainInteractions(name="interactions")(embeddings)
    logits = linear + ops.sum(values, axis=1, keepdims=True)
    return keras.Model(features, logits, name=name)


def _linear(features, shape):
    return Bias(name="bias")(ops.sum(ops.stack(_embedded(features, shape.sizes, 1, "linear")), 0))


def _embedded(features, sizes, dim, name):
    return [
        keras.layers.Embedding(
            size, dim, keras.initializers.RandomNormal(stddev=0.01), name=f"{name}_{i}"
        )(features[:, i])
        for i, size in enumerate(sizes)
    ]


def set_weights(model, weights):
    """Gives a model the weights of `reference.random_weights`."""
    for name in ("table", "linear"):
        for i, table in enumerate(numbered(weights, name)):
            model.get_layer(f"{name}_{i}").set_weights([table])
    if "bias" in weights:
        model.get_layer("bias").set_weights([weights["bias"]])
    for k, values in enumerate(
        zip(numbered(weights, "dense"), numbered(weights, "dense_bias"), strict=True)
    ):
        model.get_layer(f"dense_{k}").set_weights(values)


def set_weights_of_search(model, searched):
    """Gives the plain search the weights of ours, and the linear weights too."""
    values = searched.get_layer("embedding_2").get_embeddings()  # [function][field]
    for i in range(len(values[0])):
        layers = [layer for layer in model.layers if layer.name == f"table_{i}"]
        for layer in layers:
            layer.set_weights([np.hstack([of_field[i] for of_field in values])])
    embedding = searched.get_layer("embedding_2")
    if shared := [layer for layer in model.layers if layer.name == "embedding_2"]:
        shared[0].set_weights(embedding.get_weights())
    else:
        for i, table in enumerate(embedding.get_linear()):
            model.get_layer(f"linear_{i}").set_weights([table])
        model.get_layer("bias").set_weights([embedding.bias.numpy()])
    plain, gated = model.get_layer("interactions"), searched.get_layer("interaction_2")
    _, outer, vector, scalar = gated.kernels
    plain.outer.assign(outer)
    plain.vector.assign(vector)
    plain.scalar.assign(scalar)
    plain.alpha.assign(gated.alpha)
