"""Learning rates that fall, and what does not go with them."""

import types

import keras
import pytest

from aim_keras.optimizers import GRDA, with_gates
from experiments import rate_decay


@pytest.mark.parametrize(
    ("decays", "weights", "gates"),
    [
        ((0.5, None), 0.025, 0.1),
        ((0.5, 0.5), 0.025, 0.1),
        ((0.5, 1.0), 0.025, 0.4),
        ((1.0, 0.5), 0.1, 0.1),
        ((1.0, None), 0.1, 0.4),
    ],
)
def test_learning_rates_of_weights_and_gates_decay_after_each_epoch(decays, weights, gates):
    optimizer = with_gates(keras.optimizers.SGD(0.1), GRDA(0.4))
    for epoch in range(3):
        for callback in rate_decay.callbacks(*decays):
            callback.set_model(types.SimpleNamespace(optimizer=optimizer))
            callback.on_epoch_begin(epoch)
    assert float(optimizer.learning_rate) == pytest.approx(weights)
    assert float(optimizer.gates_optimizer.learning_rate) == pytest.approx(gates)


def test_a_target_threshold_beside_a_decay():
    target = GRDA(0.1, mu=0.6, target_threshold=0.7, total_steps=10)
    with pytest.raises(ValueError, match=r"target_threshold=0.7, a decay of 0.75 after each epoch"):
        rate_decay.check_target(target, 0.75)
    rate_decay.check_target(target, 1.0)
    rate_decay.check_target(GRDA(0.1, c=0.1), 0.75)
    rate_decay.check_target(keras.optimizers.Adam(), 0.75)
