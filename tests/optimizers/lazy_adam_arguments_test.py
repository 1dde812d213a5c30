"""What LazyAdam refuses, or warns of."""

import keras
import numpy as np
import pytest

from aim_keras.optimizers import LazyAdam
from tests.optimizers.lazy_adam_test import batches, new_table, sparse


@pytest.mark.parametrize(
    "arguments",
    [{"use_ema": True}, {"gradient_accumulation_steps": 2}],
    ids=lambda a: next(iter(a)),
)
def test_what_would_pass_over_the_table(arguments):
    (name,) = arguments
    w = new_table()
    start = w.numpy()
    with pytest.raises(ValueError, match=rf"`{name}`.*needs dense.*Received: {name}=.*sparse"):
        LazyAdam(**arguments).apply([sparse(*batches(1)[0])], [w])
    np.testing.assert_array_equal(w.numpy(), start)


def test_l2_without_sparse_gradients(monkeypatch):
    monkeypatch.setattr("aim_keras.optimizers.lazy_adam.USES_TENSORFLOW", False)
    with pytest.raises(ValueError, match=r"give the table a regularizer\. Received: l2=0.1"):
        LazyAdam(l2=0.1)
    assert LazyAdam().l2 == 0


def test_l2_is_warned_of_where_no_gradient_is_sparse():
    w = keras.Variable(np.ones((3, 2)))
    with pytest.warns(UserWarning, match="l2=0.1 has no effect, as no gradient is sparse"):
        LazyAdam(l2=0.1).apply([np.ones((3, 2), "float32")], [w])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"l2": -1e-3}, "`l2` must be a finite number >= 0. Received: l2=-0.001"),
        ({"l2": float("nan")}, "Received: l2=nan"),
        ({"l2": float("inf")}, "Received: l2=inf"),
        ({"l2": None}, "Received: l2=None"),
        ({"amsgrad": True}, "does not support `amsgrad`. Received: amsgrad=True"),
        ({"typo": 1}, "typo"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        LazyAdam(**arguments)
