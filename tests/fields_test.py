import json

import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.fields import Field, as_field, as_fields, places

LIST = Field(9, 4, True, "mean")


@pytest.mark.parametrize("field", [Field(3), Field(1, weighted=True), LIST, Field(2, 2)])
def test_config_round_trips_through_json(field):
    assert as_field(json.loads(json.dumps(field.to_config()))) == field


def test_a_categorical_field_is_its_size():
    assert Field(3).to_config() == 3
    assert as_field(np.int64(3)) == Field(3) == as_field({"size": 3})
    assert type(as_field(np.int64(3)).size) is int


def test_kinds():
    assert [f.multi_valued for f in (Field(3), LIST, Field(1, weighted=True))] == [0, 1, 0]
    assert [f.dense for f in (Field(1), LIST, Field(1, weighted=True))] == [0, 0, 1]


def test_places():
    fields = [Field(3), LIST, Field(2, 2), Field(1, weighted=True)]
    assert places(fields) == [
        (slice(0, 1), slice(0, 0)),
        (slice(1, 5), slice(0, 4)),
        (slice(5, 7), slice(4, 4)),
        (slice(7, 8), slice(4, 5)),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size must be an integer >= 1. Received: size=0"),
        ({"size": True}, "size must be an integer >= 1. Received: size=True"),
        ({"size": 2.0}, "size must be an integer >= 1. Received: size=2.0"),
        ({"size": 2, "length": 0}, "length must be an integer >= 1. Received: length=0"),
        ({"size": 2, "weighted": 1}, "weighted must be a bool. Received: weighted=1"),
        ({"size": 2, "combiner": "max"}, r"combiner must be one of .*'sqrtn'\). .*combiner='max'"),
        ({"size": 2, "pool": "sum"}, "must have a Field's arguments. Received: {'size': 2, 'pool'"),
    ],
)
def test_errors_name_the_argument_and_the_field(arguments, message):
    with pytest.raises(ValueError, match=message):
        as_field(arguments)
    with pytest.raises(ValueError, match=f"vocabulary_sizes.'genres'.: .*{message}"):
        as_fields({"user": 3, "genres": arguments})


def test_embedding_parameters_count_rows_not_places():
    architecture = Architecture.full(("a", "b"), ("inner",), 5)
    assert architecture.embedding_parameters({"a": 3, "b": LIST}) == 5 * (3 + 9)
