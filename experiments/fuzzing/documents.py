"""The readers of JSON documents that are written to be read, edited and moved, as targets."""

import json
import math
from collections.abc import Callable
from functools import partial

from aim_keras.architecture import Architecture
from aim_keras.datasets import schema
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical
from aim_keras.datasets.number_encodings import Dense, Numerical
from aim_keras.feature_groups import FeatureGroups
from aim_keras.pair_operations import PairOperations
from experiments.fuzzing import plain
from experiments.fuzzing.mutation import mutated_json
from experiments.fuzzing.target import Target

FIELDS = ("user", "item", "é")
ARCHITECTURE = Architecture(
    FIELDS,
    ("inner", "outer"),
    4,
    {"inner": [("user", "item"), ("user", "item", "é")], "outer": [("item", "é")]},
    {2: {"inner": {"user": (0, 1), "item": (2,), "é": ()}}},
    {"inner": (0.5, -1.5), "outer": (2,)},
    "data/1.0.0",
    {"seed": 1, "auc": 0.75},
)
GROUPS = FeatureGroups(FIELDS, {1: [("user",)], 2: [FIELDS, FIELDS]}, found_by={"seed": 1})
OPERATIONS = PairOperations(FIELDS, {"product": [("user", "é")], "addition": [("user", "item")]})
ENCODING = Encoding(
    {
        "user": Categorical(("u1", "", "é")),
        "tags": MultiCategorical(("a", "b"), ";", 3, "sum", "last"),
        "tag": Categorical(("a", "b"), table="tags"),
        "age": Numerical((-3, 20, 10**17), has_missing=True),
        "price": Numerical((-math.inf, 0.25, 7.5), True, decimals=True),
        "length": Dense(1.5, 2.0),
    }
)
SCHEMA = schema.Schema(
    {
        "click": {"kind": "label", "positive": ["4", "5"], "negative": ["1"], "why": "?"},
        "User": {"kind": "categorical", "name": "user"},
        "tags": {"kind": "multi_categorical", "separator": ";", "max_length": 3, "keep": "last"},
        "tag": {"kind": "categorical", "table": "tags"},
        "age": {"kind": "numerical"},
        "w": {"kind": "weight"},
        "ü": {"kind": "ignored", "why": "it is the same in all rows"},
    },
    "\t",
)
RAW_VALUES = ["", "u1", "a;b;c;d", "7", "-3", "0"]


def targets() -> dict[str, Callable[[], Target]]:
    """What makes each target, by name."""
    return {
        "architecture": partial(_document_target, ARCHITECTURE),
        "groups": partial(_document_target, GROUPS),
        "operations": partial(_document_target, OPERATIONS),
        "encoding": partial(_json_target, _text_of_encoding, _read_encoding, _plain_encoding),
        "schema": partial(_json_target, _text_of_schema, _read_schema, _plain_schema),
    }


def _json_target(text, read, expected):
    return Target("a.json", (text(),), read, expected, mutated_json)


def _document_target(document):
    kind = type(document)
    return Target(
        "architecture.json",
        (json.dumps(document.to_dict()).encode(),),
        lambda path: _canonical(kind.load(path).to_dict()),
        lambda data: _canonical(plain.json_of(data)),
        mutated_json,
    )


def _canonical(content):
    """A document where what has no order has none, and what is empty is left out."""
    content = dict(content)
    alpha = content.pop("alpha", None)
    for key in ("interactions", "groups", "operations"):
        if key in content:
            content[key] = _units(content[key], alpha if key == "interactions" else None)
    if content.get("dimensions") is not None:
        content["dimensions"] = {str(k): v for k, v in content["dimensions"].items()}
    return json.dumps([alpha is None, content], sort_keys=True)


def _units(of_name, alpha):
    return {
        name: sorted(
            (sorted(unit), None if alpha is None else float(alpha[name][i]))
            for i, unit in enumerate(units)
        )
        for name, units in of_name.items()
        if units
    }


def _fields_of(encoding):
    return {name: field.to_json() for name, field in encoding.fields.items()}


def _text_of_encoding():
    content = {"format": "aim_keras.encoding/1", "fields": _fields_of(ENCODING)}
    return json.dumps(content).encode()


def _read_encoding(path):
    encoding = Encoding.load(path)
    for field in encoding.fields.values():
        for value in RAW_VALUES:
            if not isinstance(field, Numerical | Dense) or value not in ("u1", "a;b;c;d"):
                ids = field.encode([value])
                assert ids.dtype == "int32"
                assert ids.min() >= -1
                assert ids.max() < field.vocabulary_size
    encoding.save(path.with_name("again.json"))
    assert Encoding.load(path.with_name("again.json")) == encoding
    return _plain_encodings(_fields_of(encoding))


def _plain_encoding(data):
    return _plain_encodings(plain.json_of(data)["fields"])


def _plain_encodings(fields):
    defaults = {"multi_categorical": MultiCategorical().to_json(), "dense": Dense().to_json()}
    numbers = {"has_missing": False, "decimals": False}
    found = {}
    for name, content in fields.items():
        kind = content["kind"]
        default = numbers if kind == "numerical" else defaults.get(kind, {})
        found[name] = {**default, **content}
        if content.get("table", "") is None:
            del found[name]["table"]
        if kind == "numerical":
            lowest = -math.inf if found[name]["decimals"] else -(2**63)
            found[name]["boundaries"] = [
                None if value == lowest else value for value in content["boundaries"]
            ]
    return json.dumps(list(found.items()), sort_keys=True)


def _text_of_schema():
    head = {"format": schema.FORMAT, "separator": SCHEMA.separator, "header": SCHEMA.header}
    return json.dumps({**head, "columns": SCHEMA.columns}).encode()


def _read_schema(path):
    found = schema.Schema.load(path)
    for rule in found.rules.values():
        for value in RAW_VALUES:
            if rule:
                rule.holds(value)
    assert found.table()
    assert list(found.kinds) == list(found.field_columns)
    found.save(path.with_name("again.json"))
    assert schema.Schema.load(path.with_name("again.json")) == found
    return found.separator, found.header, found.columns


def _plain_schema(data):
    content = plain.json_of(data)
    if not isinstance(content["header"], bool):
        raise ValueError("header is no bool")
    return content["separator"], content["header"], content["columns"]
