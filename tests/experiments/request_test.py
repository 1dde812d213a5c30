"""What a run may be asked for."""

import types

import pytest

from aim_keras.architecture import Architecture
from experiments import request

FIELDS = ("a", "b", "c")


def found(*interactions):
    return Architecture(FIELDS, ("inner",), 4, {"inner": interactions})


def test_a_search_goes_on_at_the_highest_order_that_was_found():
    start = found(("a", "b"), ("a", "b", "c"))
    orders = [request.highest_order(of) for of in (None, found(), found(("a", "b")), start)]
    assert orders == [2, 2, 2, 3]
    builder = types.SimpleNamespace(field_names=FIELDS)
    request.check_order(3, ["search_interactions"], builder, start)
    with pytest.raises(ValueError, match=r"at least that of the architecture .*, 3\. Received: o"):
        request.check_order(2, ["search_interactions"], builder, start)
