"""The structures of AutoFeature: what they hold, their file, and what they refuse."""

import dataclasses
import json
import time

import numpy as np
import pytest

from aim_keras.pair_operations import OPERATIONS, PairOperations

FIELDS = ("user", "item", "hour", "city")
FOUND = PairOperations(
    FIELDS,
    {
        "concatenation": [("city", "hour")],
        "product": [("item", "hour"), ("item", "user")],
        "addition": [],
    },
    dataset="planted/1.0.0",
    found_by={"stage": "search_interactions_2", "seed": 3},
)


def test_is_normal():
    """Pairs are in the order of the fields, operations in that of `OPERATIONS`."""
    assert list(FOUND.operations.items()) == [
        ("product", (("user", "item"), ("item", "hour"))),
        ("concatenation", (("hour", "city"),)),
    ]
    assert dataclasses.replace(FOUND, found_by={}) == FOUND
    assert dataclasses.replace(FOUND, dataset=None) != FOUND


def test_interactions():
    assert FOUND.orders == (2,)
    assert FOUND.units(2) == [
        ("product", ("user", "item")),
        ("product", ("item", "hour")),
        ("concatenation", ("hour", "city")),
    ]
    assert FOUND.units(3) == []
    assert FOUND.functions == ("product", "concatenation")
    assert PairOperations(FIELDS, {}).orders == ()
    assert PairOperations.full(FIELDS).units(2) == [("product", pair) for pair in FOUND.pairs]


def test_choices():
    assert FOUND.pairs == [
        ("user", "item"),
        ("user", "hour"),
        ("user", "city"),
        ("item", "hour"),
        ("item", "city"),
        ("hour", "city"),
    ]
    product, concatenation = (1 + OPERATIONS.index(k) for k in ("product", "concatenation"))
    assert FOUND.choices == (product, 0, 0, product, 0, concatenation)
    for choices in np.random.default_rng(0).integers(0, 5, (20, 6)):
        assert PairOperations.from_choices(FIELDS, choices).choices == tuple(choices)


def test_many_fields():
    """Pairs are put in order in less than their number times itself."""
    start = time.process_time()
    PairOperations.full([str(i) for i in range(250)])
    assert time.process_time() - start < 3


def test_file(tmp_path):
    path = tmp_path / "found.json"
    FOUND.save(path)
    loaded = PairOperations.load(path)
    assert loaded == FOUND
    assert loaded.found_by == FOUND.found_by
    assert '\n      ["item", "hour"]' in path.read_text()
    assert PairOperations.of(path) == PairOperations.of(FOUND.to_dict()) == FOUND
    assert PairOperations.of(FOUND) is FOUND
    with pytest.raises(FileNotFoundError):
        PairOperations.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "aim_keras.architecture/1"}, "format must be 'aim_keras.pair_operations/1'"),
        ({"seed": 3}, "The keys must be format, fields, .*Received: .*seed"),
        ({"fields": []}, "fields must be one or more strings"),
        ({"fields": ["user", "user"]}, "fields: nothing may repeat"),
        ({"dataset": 3}, "dataset must be a string or null. Received: 3"),
        ({"found_by": []}, "found_by must be a mapping"),
        ({"operations": []}, "operations must be a mapping"),
        ({"operations": {"null": []}}, "operations: operations must be of .*'null'"),
        ({"operations": {"product": "user"}}, "operations/product must be a list"),
        ({"operations": {"product": ["user"]}}, "operations/product/0 must be a list"),
        (
            {"operations": {"product": [["user", "day"]]}},
            "operations/product/0: fields must be of .*'day'",
        ),
        ({"operations": {"product": [["user"]]}}, "operations/product/0: a pair has 2 fields"),
        (
            {"operations": {"product": [list(FIELDS[:3])]}},
            "operations/product/0: a pair has 2 fields",
        ),
        (
            {"operations": {"product": [["user", "user"]]}},
            "operations/product/0: nothing may repeat",
        ),
        (
            {"operations": {"product": [["user", "item"]], "addition": [["item", "user"]]}},
            r"operations: nothing may repeat. Received: \('user', 'item'\)",
        ),
    ],
)
def test_errors_name_the_place(changes, message, tmp_path):
    path = tmp_path / "found.json"
    path.write_text(json.dumps(FOUND.to_dict() | changes))
    with pytest.raises(ValueError, match=f"found.json is not a valid .*: {message}"):
        PairOperations.load(path)


def test_a_repeated_key_is_refused(tmp_path):
    path = tmp_path / "found.json"
    path.write_text('{"operations": {}, "operations": {}}')
    with pytest.raises(ValueError, match=r"keys: nothing may repeat\. Received: operations"):
        PairOperations.load(path)
