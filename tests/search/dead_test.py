"""Units whose value is zero whatever the embeddings are."""

import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers import GatedInteraction
from aim_keras.models import FM
from aim_keras.search import drop_dead
from tests.search.found_test import FIELDS, IDS, RNG, SIZES, gates_of


@pytest.mark.parametrize(
    ("function", "kept", "dead"),
    [
        ("inner", {"a": (0, 1), "b": (1, 2)}, False),
        ("inner", {"a": (0, 1), "b": (2,)}, True),
        ("vector_kernel", {"a": (0, 1), "b": (2,)}, True),
        ("scalar_kernel", {"a": (0, 1), "b": (2,)}, True),
        ("outer", {"a": (0, 1), "b": (2,)}, False),
        ("matrix_kernel", {"a": (0, 1), "b": (2,)}, False),
        ("inner", {"a": (), "b": (0, 1, 2)}, True),
        ("outer", {"a": (0, 1), "b": ()}, True),
        ("matrix_kernel", {"a": (), "b": (0, 1)}, True),
    ],
)
def test_drop_dead(function, kept, dead):
    """What is dropped has the value zero, and nothing else has."""
    of_field = {"c": (0,), "d": (), **kept}
    dimensions = {2: {function: of_field}}
    architecture = Architecture(FIELDS, (function,), 3, {function: [("a", "b")]}, dimensions)
    alive, dropped = drop_dead(architecture)
    assert dropped == ([(function, ("a", "b"))] if dead else [])
    assert alive.interactions == ({} if dead else {function: (("a", "b"),)})
    assert alive.dimensions == architecture.dimensions
    model = FM(SIZES, architecture, gated=False, embedding_initializer="ones")
    for kernel in gates_of(model, GatedInteraction)[0].trainable_weights:
        kernel.assign(RNG.normal(size=kernel.shape))
    assert bool(np.any(model(IDS[:8]) == 0)) is dead


def test_drop_dead_takes_each_order_by_itself():
    common = {"a": (0, 1), "b": (1, 2), "c": (0, 2), "d": (0, 1, 2)}
    architecture = Architecture(
        FIELDS,
        ("inner", "outer"),
        3,
        {"inner": [("a", "b"), ("a", "b", "c"), ("a", "b", "d")], "outer": [("a", "b", "c")]},
        {3: {"inner": common, "outer": common}},
    )
    alive, dropped = drop_dead(architecture)
    assert dropped == [("inner", ("a", "b", "c"))]
    assert alive.units(2) == architecture.units(2)
    assert alive.units(3) == [("inner", ("a", "b", "d")), ("outer", ("a", "b", "c"))]
