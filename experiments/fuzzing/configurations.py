"""Configurations as targets: what a user writes in a gin file."""

from collections.abc import Callable

import gin
import keras

from experiments import configuration, fitting, gin_values
from experiments.fuzzing.target import REFUSALS, Target

GIN = b"""
from __gin__ import dynamic_registration
import keras.optimizers
from aim_keras.datasets import planted
from experiments import fitting
PATIENCE = 2
RATE = 1e-3
fitting.fit.epochs = 5
fitting.fit.patience = %PATIENCE
search/fitting.fit.epochs = 6
search/fitting.fit.weights = @keras.optimizers.Adam
keras.optimizers.Adam.learning_rate = %RATE
keras.optimizers.Adam.clipnorm = 1.0
planted.builder.units = [('inner', ('a', 'b')), ('outer', ['a', 'c'])]
"""


def targets() -> dict[str, Callable[[], Target]]:
    """What makes each target, by name."""
    return {"gin": _gin_target}


def _gin_target():
    """Of what parses, counts are counts, and an optimizer is made."""

    def read(path):
        with gin.unlock_config():
            gin.clear_config()
            configuration.parse(path, [])
            assert gin.config_str() is not None
        with gin.config_scope("search"), gin_values.making(fitting.fit):
            given = gin.get_bindings(fitting.fit)
            fitting.check_optimizer(given.get("weights", keras.optimizers.Adam))
        counts = given.get("epochs", 1), given.get("patience", 1)
        assert all(type(count) is int and count >= 0 for count in counts if count is not None)

    errors = (*REFUSALS, ImportError)
    return Target("run.gin", (GIN,), read, lambda data: None, errors=errors, names_file=False)
