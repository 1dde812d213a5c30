"""Defaults that recorded results rest on: another value would change trainings in silence."""

import inspect

import pytest

from aim_keras import layers, models, optimizers
from aim_keras.models.interaction_terms import interaction_terms

OF_NORMS = {"epsilon": 1e-5, "momentum": 0.9}
DEFAULTS = [
    (optimizers.GRDA, {"learning_rate": 0.005, "c": 0.005, "mu": 0.7}),
    (optimizers.LazyAdam, {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "l2": 0.0}),
    (optimizers.LazyAdam, {"epsilon": 1e-7}),
    (layers.ParamFreeBatchNorm, OF_NORMS),
    (layers.GatedInteraction, {**OF_NORMS, "order": 2, "gated": True, "searched": True}),
    (layers.DimensionGate, {**OF_NORMS, "per_function": False, "normalize": True}),
    (layers.SoftDimension, {"temperature_decay": 5e-5}),
    (layers.GroupInteraction, {**OF_NORMS, "temperature": 0.1}),
    (layers.FieldWeightedProducts, {"initial_value": 1.0}),
    (layers.AttentionPooling, {"units": 16, "temperature": 1.0}),
    (interaction_terms, {**OF_NORMS, "embedding_dim": 10, "temperature_decay": 5e-5}),
    (models.AutoGroup, {**OF_NORMS, "temperature": 0.1}),
    (models.FwFM, {"initial_pair_weight": 1.0}),
    (models.AFM, {"attention_units": 16, "temperature": 1.0}),
]


@pytest.mark.parametrize(("made", "defaults"), DEFAULTS)
def test_defaults(made, defaults):
    parameters = inspect.signature(made).parameters
    assert {name: parameters[name].default for name in defaults} == defaults
