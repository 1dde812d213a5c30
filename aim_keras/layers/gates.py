"""What alpha and beta gates have in common: their weights' names, starting values and rules."""

import keras

from aim_keras.layers.interaction_functions import interaction_function

GATE_ALPHA = "gate_alpha"
GATE_BETA = "gate_beta"
ALPHA = "alpha"  # not a gate: no search trains it


def gate_initializer():
    """U(0.599, 0.601): every gate starts open, the same but for a small noise."""
    return keras.initializers.RandomUniform(0.599, 0.601)


def check_candidates(functions, order, fields):
    """Checks what both kinds of gates are told of the interactions that they belong to.

    Raises:
        ValueError: on an unknown or repeated function, a repeated field, or an order out of range.
    """
    if not functions or len(set(functions)) < len(functions):
        raise ValueError(
            f"functions must hold at least one name, each once. Received: functions={functions}"
        )
    for name in functions:
        interaction_function(name)
    if order < 2:
        raise ValueError(f"order must be at least 2. Received: order={order}")
    if fields is None:
        return
    if len(set(fields)) < len(fields):
        raise ValueError(f"fields must be distinct. Received: fields={fields}")
    if order > len(fields):
        raise ValueError(
            f"order must be at most the number of fields, {len(fields)}. Received: order={order}"
        )
