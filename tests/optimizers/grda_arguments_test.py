"""What GRDA refuses."""

import pytest

from aim_keras.optimizers import GRDA


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": -0.1}, "`learning_rate` must be .* >= 0. Received: learning_rate=-0.1"),
        ({"learning_rate": float("nan")}, "Received: learning_rate=nan"),
        ({"learning_rate": "0.1"}, "learning_rate"),
        ({"c": -1e-3}, "`c` must be .* >= 0. Received: c=-0.001"),
        ({"c": float("inf")}, "Received: c=inf"),
        ({"c": None}, "Received: c=None"),
        ({"mu": 0}, "`mu` must be > 0. Received: mu=0"),
        ({"mu": -0.5}, "`mu` must be .* Received: mu=-0.5"),
        ({"target_threshold": 0.5}, "needs `total_steps`. Received: target_threshold=0.5"),
        ({"target_threshold": -1.0, "total_steps": 5}, "Received: target_threshold=-1.0"),
        ({"target_threshold": 1.0, "total_steps": 0}, "integer >= 1. Received: total_steps=0"),
        ({"target_threshold": 1.0, "total_steps": 2.5}, "Received: total_steps=2.5"),
        (
            {"target_threshold": 1.0, "total_steps": 5, "learning_rate": 0.0},
            "must be > 0 within `total_steps`. Received: learning_rate=0.0",
        ),
        (
            {"target_threshold": 1.0, "total_steps": 5, "learning_rate": lambda: 0.1},
            "float or a LearningRateSchedule",
        ),
        ({"weight_decay": 0.1}, "does not support `weight_decay`. Received: weight_decay=0.1"),
        ({"use_ema": True}, "does not support `use_ema`"),
        ({"typo": 1}, "typo"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        GRDA(**arguments)
