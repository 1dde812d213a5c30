"""The file of an architecture: written, read, and refused where it is malformed."""

import dataclasses
import json
import math
import re

import pytest

from aim_keras.architecture import Architecture
from tests.architecture_test import FIELDS, FOUND, GATED


@pytest.mark.parametrize(
    "architecture",
    [
        FOUND,
        GATED,
        GATED.keep([]),
        Architecture.full(FIELDS, ["outer", "inner"], 2),
        Architecture(FIELDS, ("inner",), 2, {}),
        Architecture(("größe", "日"), ("inner",), 2, {"inner": [("größe", "日")]}),
    ],
)
def test_save_and_load(architecture, tmp_path):
    path = tmp_path / "new folder" / "architecture.json"
    architecture.save(path)
    loaded = Architecture.load(path)
    assert loaded == architecture
    assert loaded.found_by == architecture.found_by
    assert loaded.alpha == architecture.alpha
    assert [p.name for p in path.parent.iterdir()] == ["architecture.json"]
    saved = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == saved


def test_file_has_one_unit_a_line(tmp_path):
    FOUND.save(tmp_path / "a.json")
    lines = [line.strip(" ,") for line in (tmp_path / "a.json").read_text().splitlines()]
    assert lines.count('["user", "item"]') == 2
    assert lines.count('["user", "item", "city"]') == 1
    assert '"item": [0, 1, 2]' in lines
    assert '"format": "aim_keras.architecture/1"' in lines
    fewer = dataclasses.replace(
        FOUND, interactions={**FOUND.interactions, "outer": [("item", "city")]}
    )
    fewer.save(tmp_path / "b.json")
    remaining = (tmp_path / "b.json").read_text().splitlines()
    assert len(remaining) == len(lines) - 1


CONTENT = FOUND.to_dict()
WITHOUT_FORMAT = {key: value for key, value in CONTENT.items() if key != "format"}
ALPHA = {"inner": [1, 2, 3], "outer": [1, 2]}
OF_FIELD = CONTENT["dimensions"]["2"]["inner"]
BROKEN = {
    "not an object": ([], "An architecture must be a mapping"),
    "format version": (CONTENT | {"format": "aim_keras.architecture/2"}, "format must be .*/2'"),
    "no format": (WITHOUT_FORMAT, "format must be .*Received: None"),
    "unknown key": (CONTENT | {"beta": 1}, "The keys must be .*Received: .*beta"),
    "missing key": ({k: v for k, v in CONTENT.items() if k != "fields"}, "The keys must be"),
    "fields: empty": (CONTENT | {"fields": []}, "fields must be"),
    "fields: number": (CONTENT | {"fields": 4}, "fields must be"),
    "fields: string": (CONTENT | {"fields": "abc"}, "fields must be"),
    "fields: of numbers": (CONTENT | {"fields": [1, 2]}, "fields must be"),
    "fields: repeated": (
        CONTENT | {"fields": [*FIELDS, "user"]},
        "fields: .*'?user'? more than once",
    ),
    "functions: null": (CONTENT | {"functions": None}, "functions must be"),
    "functions: repeated": (
        CONTENT | {"functions": ["inner", "inner"]},
        "functions: .*more than once",
    ),
    "dim: 0": (CONTENT | {"embedding_dim": 0}, "embedding_dim must be an integer >= 1"),
    "dim: string": (CONTENT | {"embedding_dim": "8"}, "embedding_dim must be .*Received.*'8'"),
    "dim: float": (CONTENT | {"embedding_dim": 8.0}, "embedding_dim must be .*Received.*8.0"),
    "dim: true": (
        CONTENT | {"embedding_dim": True, "dimensions": None},
        "embedding_dim must be .*Received.*True",
    ),
    "interactions: list": (CONTENT | {"interactions": [["user", "item"]]}, "interactions must be"),
    "interactions: null": (CONTENT | {"interactions": None}, "interactions must be"),
    "interactions: unknown function": (
        CONTENT | {"interactions": {"cosine": []}},
        "interactions: functions must be of .*Received: 'cosine'",
    ),
    "interactions: unknown field": (
        CONTENT | {"interactions": {"inner": [["user", "item"], ["user", "day"]]}},
        "interactions/inner/1: fields must be of .*Received: 'day'",
    ),
    "interactions: repeated": (
        CONTENT | {"interactions": {"outer": [["user", "item"], ["item", "user"]]}},
        "interactions/outer: .*'user', 'item'.* more than once",
    ),
    "interactions: a field twice": (
        CONTENT | {"interactions": {"outer": [["user", "user"]]}},
        "interactions/outer/0: .*user more than once",
    ),
    "interactions: short": (
        CONTENT | {"interactions": {"outer": [["user"]]}},
        "interactions/outer/0: .*at least 2 fields.*'user'",
    ),
    "interactions: number": (
        CONTENT | {"interactions": {"outer": [["user", "item"], 7]}},
        "interactions/outer/1 must be .*Received: .*7",
    ),
    "interactions: string": (
        CONTENT | {"interactions": {"outer": ["user"]}},
        "interactions/outer/0",
    ),
    "interactions: of a function not a list": (
        CONTENT | {"interactions": {"outer": 7}},
        "interactions/outer must be .*Received: .*7",
    ),
    "dimensions: list": (CONTENT | {"dimensions": []}, "dimensions must be .*Received"),
    "dimensions: order": (CONTENT | {"dimensions": {"two": {}}}, "dimensions/two"),
    "dimensions: order 1": (CONTENT | {"dimensions": {"1": {}}}, "dimensions/1"),
    "dimensions: of an order not an object": (
        CONTENT | {"dimensions": {"2": 5}},
        "dimensions/2 must be .*Received: .*5",
    ),
    "dimensions: unknown function": (
        CONTENT | {"dimensions": {"2": {"cosine": OF_FIELD}}},
        "dimensions/2: functions must be of .*Received: 'cosine'",
    ),
    "dimensions: of a function not an object": (
        CONTENT | {"dimensions": {"2": {"inner": 5}}},
        "dimensions/2/inner must be .*Received: .*5",
    ),
    "dimensions: unknown field": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"day": [0]}}}},
        "dimensions/2/inner: fields must be of .*Received: 'day'",
    ),
    "dimensions: missing field": (
        CONTENT | {"dimensions": {"2": {"inner": {"user": [0]}}}},
        "dimensions/2/inner: every field must be listed.*'item'",
    ),
    "dimensions: out of range": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"item": [1, 3]}}}},
        r"dimensions/2/inner/item: .*within 0 ... 2. Received: \[1, 3\]",
    ),
    "dimensions: not increasing": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"item": [1, 0]}}}},
        r"dimensions/2/inner/item: .*increasing.*Received: \[1, 0\]",
    ),
    "dimensions: repeated": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"item": [1, 1]}}}},
        "dimensions/2/inner/item: .*increasing",
    ),
    "dimensions: float": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"item": [0, 1.0]}}}},
        r"dimensions/2/inner/item: .*Received: \[0, 1.0\]",
    ),
    "dimensions: string": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"item": "01"}}}},
        "dimensions/2/inner/item.*Received",
    ),
    "dimensions: number": (
        CONTENT | {"dimensions": {"2": {"inner": OF_FIELD | {"item": 2}}}},
        "dimensions/2/inner/item.*Received: .*2",
    ),
    "interactions: null of a function": (
        CONTENT | {"interactions": {"inner": None}, "alpha": None},
        "interactions/inner must be a list. Received: None",
    ),
    "interactions: empty string": (
        CONTENT | {"interactions": {"outer": ""}, "alpha": None},
        "interactions/outer must be a list. Received: ''",
    ),
    "alpha: list": (CONTENT | {"alpha": [1, 2]}, r"alpha must be a mapping .*Received: \[1, 2\]"),
    "alpha: list, nothing kept": (
        CONTENT | {"alpha": [1], "interactions": {}},
        "alpha must be a mapping",
    ),
    "alpha: unknown function": (
        CONTENT | {"alpha": ALPHA | {"cosine": []}},
        "alpha: functions must be of .*Received: 'cosine'",
    ),
    "alpha: of a function not a list": (
        CONTENT | {"alpha": ALPHA | {"outer": 0.5}},
        "alpha/outer must be a list. Received: 0.5",
    ),
    "alpha: of a function string": (CONTENT | {"alpha": ALPHA | {"outer": "12"}}, "alpha/outer"),
    "alpha: of a function missing": (
        CONTENT | {"alpha": {"inner": [1, 2, 3]}},
        r"alpha/outer must hold .*each of the 2 interactions. Received: \[\]",
    ),
    "alpha: of a function without interactions": (
        CONTENT | {"alpha": ALPHA, "interactions": {"inner": CONTENT["interactions"]["inner"]}},
        r"alpha/outer must hold .*each of the 0 interactions. Received: \[1, 2\]",
    ),
    "alpha: short": (
        CONTENT | {"alpha": ALPHA | {"inner": [1, 2]}},
        r"alpha/inner must hold a finite number for each of the 3 .*Received: \[1, 2\]",
    ),
    "alpha: long": (CONTENT | {"alpha": ALPHA | {"inner": [1, 2, 3, 4]}}, "alpha/inner must hold"),
    "alpha: NaN": (
        CONTENT | {"alpha": ALPHA | {"outer": [1, math.nan]}},
        r"alpha/outer must hold a finite number .*Received: \[1, nan\]",
    ),
    "alpha: infinite": (
        CONTENT | {"alpha": ALPHA | {"outer": [-math.inf, 1]}},
        "alpha/outer must hold a finite number",
    ),
    "alpha: beyond a float": (
        CONTENT | {"alpha": ALPHA | {"outer": [10**400, 1]}},
        "alpha/outer must hold a finite number",
    ),
    "alpha: null": (CONTENT | {"alpha": ALPHA | {"outer": [None, 1]}}, "alpha/outer must hold"),
    "alpha: true": (CONTENT | {"alpha": ALPHA | {"outer": [True, 1]}}, "alpha/outer must hold"),
    "alpha: of strings": (
        CONTENT | {"alpha": ALPHA | {"outer": ["1", 2]}},
        "alpha/outer must hold",
    ),
    "dataset: number": (CONTENT | {"dataset": 3}, "dataset must be .*Received: .*3"),
    "found_by: list": (CONTENT | {"found_by": [1]}, r"found_by must be .*Received: .*\[1\]"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_content(content, message, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is not a valid .*: ({message})"):
        Architecture.load(path)


@pytest.mark.parametrize("text", ["", "{", json.dumps(CONTENT)[:-20], "nonsense", "\x00"])
def test_broken_json(text, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"broken.json is not a valid .*line \d+ column \d+"):
        Architecture.load(path)


def test_repeated_key(tmp_path):
    path = tmp_path / "repeated.json"
    twice = '"inner": [["user", "item"]], "inner": [["hour", "city"]]'
    path.write_text(
        json.dumps(CONTENT | {"interactions": {}}).replace(
            '"interactions": {}', f'"interactions": {{{twice}}}'
        )
    )
    with pytest.raises(ValueError, match=r"repeated\.json .*keys: .*inner more than once"):
        Architecture.load(path)


def test_not_utf8(tmp_path):
    (tmp_path / "latin.json").write_bytes("ö".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.json is not a valid architecture"):
        Architecture.load(tmp_path / "latin.json")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        Architecture.load(tmp_path / "absent.json")
