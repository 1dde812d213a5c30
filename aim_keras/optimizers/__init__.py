"""Optimizers for models with gates and with large tables."""

from aim_keras.optimizers.gate_optimizer import with_gates
from aim_keras.optimizers.grda import GRDA
from aim_keras.optimizers.lazy_adam import LazyAdam

__all__ = ["GRDA", "LazyAdam", "with_gates"]
