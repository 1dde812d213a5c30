"""What a search recovered of what was planted."""

import pytest

from aim_keras import Architecture
from experiments.recovery import recovery

PLANTED = {
    "interactions": {"2": [["a", "b"], ["b", "c"], ["a", "c"]], "3": [["a", "b", "c"]]},
    "functions": [
        ["inner", ["a", "b"]],
        ["vector_kernel", ["b", "c"]],
        ["outer", ["a", "c"]],
        ["outer", ["a", "b", "c"]],
    ],
}


def found(interactions):
    return Architecture(("a", "b", "c", "d"), tuple(interactions), 4, interactions)


def test_by_hand():
    scores = recovery(
        found(
            {
                "inner": [("a", "b"), ("a", "b", "c")],
                "outer": [("b", "c"), ("a", "d")],
                "scalar_kernel": [("a", "c")],
            }
        ),
        PLANTED,
    )
    assert scores["2"] == {
        "recall": 1.0,
        "precision": 3 / 4,
        "functions": 1 / 3,
        "told_apart": 1 / 2,
    }
    assert scores["3"] == {"recall": 1.0, "precision": 1.0, "functions": 0.0, "told_apart": None}


def test_a_kernel_stands_for_another():
    scores = recovery(found({"scalar_kernel": [("a", "b")], "inner": [("b", "c")]}), PLANTED)
    assert scores["2"]["functions"] == 0
    assert scores["2"]["told_apart"] == 1


@pytest.mark.parametrize("planted", [{}, {"functions": PLANTED["functions"][-1:]}])
def test_functions_that_are_not_known_have_no_share(planted):
    interactions = {"interactions": {"2": PLANTED["interactions"]["2"]}}
    scores = recovery(found({"inner": [("a", "b")]}), interactions | planted)
    assert scores["2"] == {"recall": 1 / 3, "precision": 1, "functions": None, "told_apart": None}


def test_nothing_kept():
    scores = recovery(found({"inner": []}), PLANTED)
    assert scores["2"] == {"recall": 0, "precision": 0, "functions": 0, "told_apart": 0}
