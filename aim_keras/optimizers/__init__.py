"""Optimizers for models with gates."""

from aim_keras.optimizers.gate_optimizer import with_gates
from aim_keras.optimizers.grda import GRDA

__all__ = ["GRDA", "with_gates"]
