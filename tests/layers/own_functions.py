"""Interaction functions as users write them, registered for the tests."""

import functools

from keras import ops

from aim_keras.layers import InteractionFunction, operands, register_interaction_function


def smallest(embeddings, interactions, kernel):
    """`sum_j min_r e_{q_r, j}`, not zero where one of them is."""
    return functools.reduce(ops.minimum, operands(embeddings, interactions))


def spread(embeddings, interactions, kernel):
    """`w_{q, 1} (max_r |e_{q_r}|^2 - min_r |e_{q_r}|^2) + w_{q, 2} sum_r |e_{q_r}|^2`."""
    lengths = [ops.sum(ops.square(e), axis=2) for e in operands(embeddings, interactions)]
    most, least = (functools.reduce(f, lengths) for f in (ops.maximum, ops.minimum))
    return kernel * ops.stack([most - least, sum(lengths)], axis=2)


SMALLEST = register_interaction_function(InteractionFunction("smallest", smallest))
SPREAD = register_interaction_function(
    InteractionFunction(
        "spread",
        spread,
        kernel_shape=lambda num_interactions, order, dim: (num_interactions, 2),
        kernel_initializer=lambda dim: "glorot_uniform",
        product_width=lambda dim: 2,
    )
)
OWN = (SMALLEST.name, SPREAD.name)
