import json

import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.fields import Field, as_field, as_fields, places

LIST = Field(9, 4, True, "mean")


@pytest.mark.parametrize("field", [Field(3), Field(1, weighted=True), LIST, Field(2, 2)])
def test_config_round_trips_through_json(field):
    assert as_field(json.loads(json.dumps(field.to_config()))) == field


def test_a_table_has_the_name_of_a_field_or_one_of_its_own():
    history = Field(9, 4, combiner="mean", table="item")
    fields = as_fields({"history": history, "item": 9, "age": 3})
    assert fields == {"history": history, "item": Field(9, table="item"), "age": Field(3)}
    assert as_fields({0: history, 1: Field(9, table="item"), 2: 9})[2] == Field(9)
    assert as_field(json.loads(json.dumps(history.to_config()))) == history
    assert "table" not in LIST.to_config()


@pytest.mark.parametrize(
    ("fields", "received"),
    [
        ({"history": Field(9, 4, table="itme"), "item": 9}, "'itme' must .* {'history': 9}"),
        ({"history": Field(9, 4, table="item"), "item": 8}, "'item' must .*: 9, 'item': 8}"),
        (
            {"old": Field(9, table="item"), "item": Field(9, table="id"), "id": 9}
            | {"new": Field(9, table="item")},
            "'item' must .* field of that name, .* {'old': 9, 'new': 9}",
        ),
    ],
)
def test_a_table_is_that_of_fields_of_one_size(fields, received):
    with pytest.raises(ValueError, match=f"The table {received}"):
        as_fields(fields)


def test_fields_of_a_data_set_are_taken_without_those_that_share_with_them():
    fields = as_fields({"history": Field(9, 4, table="item"), "item": 9, "age": 3})
    assert as_fields({name: fields[name] for name in ("item", "age")}) == {
        "item": Field(9, table="item"),
        "age": Field(3),
    }


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
        ({"size": 2, "table": 3}, "table must be a string. Received: table=3"),
        ({"size": 2, "combiner": "max"}, r"combiner must be one of .*'sqrtn'\). .*combiner='max'"),
        ({"size": 1, "weighted": True, "combiner": "mean"}, "'sum' for a number .*combiner='mean'"),
        ({"size": 5, "weighted": True, "combiner": "sqrtn"}, "single weighted id.*'sqrtn'"),
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


def test_embedding_parameters_count_a_shared_table_once():
    """With the dimensions that any of its fields keeps."""
    kept = {"a": (0, 2), "b": (0, 1), "c": (3,)}
    architecture = Architecture(
        ("a", "b", "c"), ("inner",), 5, {"inner": [("a", "b"), ("b", "c")]}, {2: {"inner": kept}}
    )
    sizes = {"a": 9, "b": Field(9, 4, table="a"), "c": 7}
    assert architecture.embedding_parameters(sizes) == 9 * 3 + 7
