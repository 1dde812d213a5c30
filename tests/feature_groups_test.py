import json

import pytest

from aim_keras.feature_groups import FeatureGroups

FIELDS = ("user", "item", "hour")
FOUND = FeatureGroups(
    FIELDS,
    {2: [["hour", "user"], ["item", "user"], ["user", "item"]], 1: [["item"]], 3: []},
    dataset="shop/1.0.0",
    found_by={"seed": 1},
)
CONTENT = FOUND.to_dict()


def test_orders_and_fields_are_sorted():
    assert FOUND.orders == (1, 2)
    assert FOUND.units(1) == [(0, ("item",))]
    assert FOUND.units(2) == [(0, ("user", "hour")), (1, ("user", "item")), (2, ("user", "item"))]
    assert FOUND.units(3) == []


def test_full():
    full = FeatureGroups.full(FIELDS, (1, 0, 2))
    assert full == FeatureGroups(FIELDS, {1: [FIELDS], 3: [FIELDS, FIELDS]})


@pytest.mark.parametrize("groups", [FOUND, FeatureGroups(("größe",), {})])
def test_save_and_load(groups, tmp_path):
    groups.save(tmp_path / "groups.json")
    loaded = FeatureGroups.load(tmp_path / "groups.json")
    assert loaded == groups
    assert loaded.found_by == groups.found_by
    assert FeatureGroups.of(tmp_path / "groups.json") == FeatureGroups.of(groups) == groups
    assert FeatureGroups.of(json.loads((tmp_path / "groups.json").read_text())) == groups


def test_file_has_one_group_a_line(tmp_path):
    FOUND.save(tmp_path / "groups.json")
    lines = [line.strip(" ,") for line in (tmp_path / "groups.json").read_text().splitlines()]
    assert lines.count('["user", "item"]') == 2
    assert '"format": "aim_keras.feature_groups/1"' in lines


BROKEN = {
    "not an object": ([], "Feature groups must be a mapping"),
    "of an architecture": (
        CONTENT | {"format": "aim_keras.architecture/1"},
        "format must be 'aim_keras.feature_groups/1'. Received: 'aim_keras.architecture/1'",
    ),
    "unknown key": (CONTENT | {"alpha": 1}, "The keys must be .*Received: .*alpha"),
    "fields: repeated": (CONTENT | {"fields": ["user", "user"]}, "fields: .*user more than once"),
    "groups: list": (CONTENT | {"groups": []}, "groups must be a mapping"),
    "order: 0": (CONTENT | {"groups": {"0": []}}, "groups/0: an order is .*Received: '0'"),
    "order: word": (CONTENT | {"groups": {"two": []}}, "groups/two: an order is .*Received: 'two'"),
    "order: null": (CONTENT | {"groups": {"2": None}}, "groups/2 must be a list"),
    "group: string": (CONTENT | {"groups": {"2": ["user"]}}, "groups/2/0 must be a list"),
    "unknown field": (
        CONTENT | {"groups": {"2": [["user", "item"], ["user", "day"]]}},
        "groups/2/1: fields must be of .*Received: 'day'",
    ),
    "a field twice": (
        CONTENT | {"groups": {"1": [["user", "user"]]}},
        "groups/1/0: .*user more than once",
    ),
    "empty": (CONTENT | {"groups": {"1": [[]]}}, r"at least 1 fields. Received: \[\]"),
    "a field alone": (
        CONTENT | {"groups": {"3": [["user"]]}},
        r"groups/3/0: a group of order 3 has at least 2 fields. Received: \['user'\]",
    ),
    "dataset": (CONTENT | {"dataset": 1}, "dataset must be a string or null"),
    "found_by": (CONTENT | {"found_by": []}, "found_by must be a mapping"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_malformed_content_is_named(content, message, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=rf"broken\.json is not a valid file of feature groups: .*{message}"
    ):
        FeatureGroups.load(path)
