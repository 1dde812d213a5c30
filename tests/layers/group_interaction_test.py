"""What `GroupInteraction` refuses; its formula is tested with `AutoGroup`'s."""

import keras
import pytest

from aim_keras.layers import GroupInteraction


@pytest.mark.parametrize(
    ("order", "groups", "message"),
    [
        (0, [[0, 1]], "order must be an integer >= 1. Received: order=0"),
        (2, [[0, -1]], r"positions, from 0 on. Received: groups=\[\[0, -1\]\]"),
        (2, [[0, 1], [2, 2]], r"different positions.* Received: groups=\[\[0, 1\], \[2, 2\]\]"),
    ],
)
def test_argument_errors(order, groups, message):
    with pytest.raises(ValueError, match=message):
        GroupInteraction(order, groups)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (None, 4), (3, 4, 1)])
def test_other_inputs(shape):
    with pytest.raises(ValueError, match=r"with at least 3 fields. Received: shape \(None, "):
        GroupInteraction(2, [[0, 2], []])(keras.Input(shape))
