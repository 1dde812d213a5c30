import json

import pytest

from aim_keras.datasets.field_encodings import MultiCategorical
from aim_keras.datasets.schema import Schema

COLUMNS = {
    "click": {"kind": "label", "positive": ["4", "5"], "negative": ["1", "2", "3"], "why": "?"},
    "User": {"kind": "categorical", "name": "user"},
    "tags": {"kind": "multi_categorical", "separator": ";", "max_length": 3, "combiner": "sum"},
    "age": {"kind": "numerical"},
    "ü": {"kind": "ignored", "why": "it is the same in all rows"},
}


def test_a_saved_schema_is_read_again_and_has_a_line_a_column(tmp_path):
    schema = Schema(COLUMNS, "\t", header=False, quoted=False)
    schema.save(tmp_path / "folder" / "schema.json")
    assert Schema.load(tmp_path / "folder" / "schema.json") == schema
    lines = (tmp_path / "folder" / "schema.json").read_text().splitlines()
    assert lines[2] == '  "User": {"kind": "categorical", "name": "user"},'
    assert lines[5].startswith('  "ü": ')
    assert len(schema.table().splitlines()) == 6
    Schema(COLUMNS).save(tmp_path / "schema.json")
    assert "quoted" not in (tmp_path / "schema.json").read_text(), "as it was written before"
    assert Schema.load(tmp_path / "schema.json") == Schema(COLUMNS)


def test_what_it_says_of_the_fields():
    schema = Schema(COLUMNS)
    lists = MultiCategorical(separator=";", max_length=3, combiner="sum")
    assert schema.kinds == {"user": "categorical", "tags": lists, "age": "numerical"}
    assert schema.field_columns == {"user": "User", "tags": "tags", "age": "age"}
    assert (schema.label, schema.positive) == ("click", {"4", "5"})
    assert schema.list_separators == {"tags": ";"}
    null = {"User": COLUMNS["User"] | {"table": None}}
    assert Schema(COLUMNS | null).kinds == schema.kinds, "as an encoding of earlier rows has it"
    rules = schema.rules
    assert list(rules) == ["click", "User", "tags", "age"]
    assert rules["click"].holds("3")
    assert not rules["click"].holds("0")
    assert [bool(rules["age"].holds(cell)) for cell in ("7", "", "NA", "7.5")] == [1, 1, 1, 0]
    weight = Schema(COLUMNS | {"age": {"kind": "weight"}}).rules["age"]
    assert [weight.holds(cell) for cell in ("0", "0.5", "-0.5", "", "NA")] == [1, 1, 0, 0, 0]


def test_what_makes_no_difference_to_the_data_is_left_out():
    less = {k: c for k, c in COLUMNS.items() if k != "ü"}
    less["click"] = {k: v for k, v in COLUMNS["click"].items() if k != "why"}
    assert Schema(COLUMNS).to_json() == Schema(less).to_json()
    assert "ü" in Schema(COLUMNS, header=False).to_json()["columns"]
    assert Schema.from_json(Schema(COLUMNS).to_json()) == Schema(less)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            {"age": {"kind": "number"}},
            "Column 'age' must have a kind out of label, weight, categorical",
        ),
        ({"age": {}}, "Column 'age' must have a kind"),
        ({"age": "numerical"}, "Column 'age' must have a kind"),
        ({"age": {"kind": "numerical", "max": 3}}, "'age' of the kind numerical takes .*: max"),
        (
            {"age": COLUMNS["click"]},
            r"one column of the kind label, .* \['click', 'age'\], \[\]",
        ),
        ({"age": {"kind": "weight"}, "User": {"kind": "weight"}}, r"most one .* \['User', 'age'\]"),
        ({"click": {"kind": "ignored"}}, r"one column of the kind label, .* Received: \[\], \[\]"),
        ({"click": {"kind": "label"}}, "'click': positive and negative must be lists of strings"),
        (
            {"click": {"kind": "label", "positive": ["1"], "negative": ["0", "1"]}},
            "without one in common",
        ),
        ({"age": {"kind": "dense", "name": "user"}}, "no name twice"),
        ({"tags": {"kind": "multi_categorical", "max_length": 1}}, "'tags': max_length must be"),
        ({"tags": {"kind": "multi_categorical", "combiner": "max"}}, "'tags': combiner must be"),
        ({"tags": {"kind": "multi_categorical", "keep": 1}}, "'tags': keep must be one of"),
        ({"User": {"kind": "categorical", "table": 1}}, "'User': table must be a string"),
        ({"age": {"kind": "numerical", "table": "tags"}}, "'age' of the kind numerical takes .*"),
        (
            {"tags": {"kind": "multi_categorical", "table": "User"}},
            "Field 'tags': table must be the name of another field.* Received: table='User'",
        ),
    ],
)
def test_a_schema_that_is_none_names_the_column(tmp_path, change, error):
    with pytest.raises(ValueError, match=error):
        Schema(COLUMNS | change)
    content = {"format": "aim_keras.schema/1", "separator": ",", "header": True}
    content["columns"] = COLUMNS | change
    (tmp_path / "schema.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"schema\.json: .*{error}"):
        Schema.load(tmp_path / "schema.json")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"format":\n "a",}', "must be a JSON object with format, separator, .*: line 2 column"),
        ("[]", "must be a JSON object with format, separator, header, columns"),
        ('{"format": "aim_keras.schema/1"}', "it has no separator, header, columns"),
    ],
)
def test_a_file_that_is_no_schema(tmp_path, text, error):
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(ValueError, match=rf"schema\.json .*{error}"):
        Schema.load(tmp_path / "schema.json")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": "aim_keras.schema/9"}, "format must be 'aim_keras.schema/1'. Received: "),
        ({"quotes": False}, r"A schema: keys must be of \[.*'quoted'\]. Received: 'quotes'"),
        ({"columns": []}, "columns must be a mapping"),
        ({"header": "false"}, "header must be true or false. Received: 'false'"),
        ({"separator": "ab"}, "separator must be one ASCII character"),
        ({"separator": "\n"}, "separator must be one ASCII character"),
    ],
)
def test_a_head_that_is_none_names_the_file(tmp_path, change, error):
    content = {"format": "aim_keras.schema/1", "separator": ",", "header": True, "columns": COLUMNS}
    (tmp_path / "schema.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(ValueError, match=rf"schema\.json: {error}"):
        Schema.load(tmp_path / "schema.json")


@pytest.mark.parametrize("key", ["name", "why"])
def test_a_name_is_a_string(key):
    with pytest.raises(ValueError, match=rf"'age': {key} must be a string"):
        Schema({**COLUMNS, "age": {"kind": "numerical", key: ["x"]}})


def test_a_column_twice_or_endless_nesting_is_refused(tmp_path):
    path = tmp_path / "schema.json"
    Schema(COLUMNS).save(path)
    path.write_text(path.read_text().replace('"age"', '"User"'))
    with pytest.raises(ValueError, match=r"schema\.json must .*: keys: nothing may repeat"):
        Schema.load(path)
    path.write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"schema\.json must .*: it is nested too deep"):
        Schema.load(path)
