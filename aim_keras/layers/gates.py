"""What alpha and beta gates have in common: their weights' names and starting values."""

import keras

GATE_ALPHA = "gate_alpha"
GATE_BETA = "gate_beta"


def gate_initializer():
    """U(0.599, 0.601): every gate starts open, the same but for a small noise."""
    return keras.initializers.RandomUniform(0.599, 0.601)
