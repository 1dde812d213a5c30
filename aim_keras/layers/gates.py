"""What alpha and beta gates have in common: their weights' names, starting values and rules."""

import itertools
from collections.abc import Mapping

import keras

from aim_keras.layers.interaction_functions import interaction_function

GATE_ALPHA = "gate_alpha"
GATE_BETA = "gate_beta"
ALPHA = "alpha"  # not a gate: no search trains it
EMBEDDINGS = {4: "(batch, functions, fields, dim)", 3: "(batch, fields, dim)"}


def gate_initializer():
    """U(0.599, 0.601): every gate starts open, the same but for a small noise."""
    return keras.initializers.RandomUniform(0.599, 0.601)


def check_candidates(functions, order, fields):
    """Checks what both kinds of gates are told of the interactions that they belong to.

    Raises:
        ValueError: on an unknown function, a repeated field, or an order above their number.
    """
    for name in functions:
        interaction_function(name)
    if fields is None:
        return
    if len(set(fields)) < len(fields):
        raise ValueError(f"fields must be distinct. Received: fields={fields}")
    if order > len(fields):
        raise ValueError(
            f"order must be at most the number of fields, {len(fields)}. Received: order={order}"
        )


def check_names(fields, num_fields):
    """Raises `ValueError` unless there are as many fields as the input of a layer has."""
    if len(fields) != num_fields:
        raise ValueError(
            f"fields must name the {num_fields} fields of the input. Received: fields={fields}"
        )


def interactions_by_function(functions, interactions):
    """`{function: interactions}` of what is given for all functions or each; `None` for `None`.

    Raises:
        ValueError: on interactions of another function.
    """
    if interactions is None:
        return None
    if not isinstance(interactions, Mapping):
        interactions = dict.fromkeys(functions, interactions)
    unknown = set(interactions) - set(functions)
    if unknown:
        raise ValueError(
            f"interactions must be of the functions {functions}. "
            f"Received: interactions of {sorted(unknown)}"
        )
    for interaction in itertools.chain.from_iterable(interactions.values()):
        if isinstance(interaction, str):
            raise ValueError(
                f"An interaction must be a sequence of fields. Received: {interaction!r}"
            )
    return {
        name: tuple(tuple(interaction) for interaction in interactions.get(name, ()))
        for name in functions
    }


def check_interactions(interactions_by_function, order, fields):
    """Checks that each interaction has `order` distinct fields, and none is there twice.

    Raises:
        ValueError: where one has not.
    """
    for name, interactions in (interactions_by_function or {}).items():
        seen = set()
        for interaction in interactions:
            unknown = [field for field in interaction if field not in fields]
            if unknown:
                raise ValueError(
                    f"An interaction's fields must be of {fields}. "
                    f"Received: {interaction} of {name}, with unknown {unknown}"
                )
            if len(set(interaction)) != order or len(interaction) != order:
                raise ValueError(
                    f"An interaction of order {order} has {order} distinct fields. "
                    f"Received: {interaction} of {name}"
                )
            if frozenset(interaction) in seen:
                raise ValueError(
                    f"Interactions must not repeat. Received: {interaction} of {name} twice"
                )
            seen.add(frozenset(interaction))


def check_embeddings(layer, input_shape, functions):
    """Checks that a layer takes embeddings of this shape, one of `EMBEDDINGS`.

    Raises:
        ValueError: on another shape, other functions, or an unknown number of fields or dimension.
    """
    is_tensor = all(axis is None or isinstance(axis, int) for axis in input_shape)
    if not is_tensor or len(input_shape) not in EMBEDDINGS or None in input_shape[-2:]:
        shapes = " or ".join(EMBEDDINGS.values())
        raise ValueError(
            f"{layer} takes one tensor of embeddings, of known fields and dim, of shape {shapes}. "
            f"Received: shape {tuple(input_shape)}"
        )
    if len(input_shape) == 4 and input_shape[1] not in (1, len(functions)):
        raise ValueError(
            f"The embeddings must have one slice for all functions or {len(functions)}, "
            f"one each of {functions}. Received: {input_shape[1]} in shape {tuple(input_shape)}"
        )


def check_columns(columns, input_shape):
    """Checks that columns say where each dimension is in a compact embedding.

    Raises:
        ValueError: on another shape, or a column beyond the input's width.
    """
    highest = columns.max(initial=-1)
    if columns.ndim != 3 or len(input_shape) != 2 or not highest < input_shape[1]:
        raise ValueError(
            "columns must be [function][field][dimension], each below the width of the input, "
            f"(batch, kept dimensions). Received: columns of shape {columns.shape} up to "
            f"{highest}, input shape {tuple(input_shape)}"
        )
