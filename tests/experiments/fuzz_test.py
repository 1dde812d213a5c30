"""Bad input of every reader: a few mutated inputs in the suite, a million by `experiments.fuzz`."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.fuzzing import mutation, plain
from experiments.fuzzing.sweep import TARGETS
from experiments.fuzzing.target import ACCEPTED, REFUSED, Target, verdict
from tests import forked

SLOW = ("prepared_rows", "weights", "state")
FEW = {**dict.fromkeys(TARGETS, 60), "run_analysis": 20, **dict.fromkeys(SLOW, 2)}


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_input_is_read_rightly_or_refused_in_words(name, tmp_path):
    target = TARGETS[name]()
    assert {verdict(target, data, tmp_path) for data in target.seeds} == {ACCEPTED}
    found = [verdict(target, target.input(name, 0, i), tmp_path) for i in range(FEW[name])]
    assert set(found) <= {ACCEPTED, REFUSED}
    assert name in (*SLOW, "criteo_skip") or REFUSED in found


TEXTS = ("criteo", "avazu", "frappe", "movielens", "csv", "csv_skip")


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_read_as_the_definition_reads_it(name, tmp_path):
    """Lines of cells that hypothesis makes up, and shrinks where one is read wrongly."""
    target = TARGETS[name]()
    (head, *_) = target.seeds[0].splitlines(keepends=True)
    words = ["0", "1", "yes", "-7", "1e39", "NaN", "", '"', '""', '"a', ",", "\t", "\r", "\ufeff"]
    cell = st.one_of(st.sampled_from(words), st.text(max_size=3))
    width = max(head.count(b","), head.count(b"\t")) + 1
    separator = "\t" if b"\t" in head else ","
    line = st.lists(cell, min_size=width - 1, max_size=width).map(separator.join)

    @settings(max_examples=25, derandomize=True, deadline=None, database=None)
    @given(lines=st.lists(line, max_size=3), ending=st.sampled_from(["\n", "\r\n"]))
    def check(lines, ending):
        text = "".join(f"{line}{ending}" for line in lines).encode("utf-8", "surrogatepass")
        assert verdict(target, head + text, tmp_path) in (ACCEPTED, REFUSED)

    check()


DOCUMENTS = ("architecture", "groups", "operations", "encoding", "schema", "record", "run_metrics")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_any_value_in_a_document_is_kept_or_refused(name, tmp_path):
    target = TARGETS[name]()
    content = json.loads(target.seeds[0])
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
    value = st.recursive(leaf, lambda v: st.lists(v) | st.dictionaries(st.text(max_size=2), v))

    @settings(max_examples=25, derandomize=True, deadline=None, database=None)
    @given(key=st.sampled_from([*content]), value=value)
    def check(key, value):
        data = json.dumps({**content, key: value}).encode()
        assert verdict(target, data, tmp_path) in (ACCEPTED, REFUSED)

    check()


def _target(read, plain=lambda data: data, **options):
    return Target("a.txt", (b"abc",), read, plain, **options)


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (_target(lambda path: _raise(KeyError("x"))), "ended with KeyError"),
        (_target(lambda path: _raise(ValueError(""))), "has no words"),
        (_target(lambda path: _raise(ValueError("no"))), "does not name the file"),
        (_target(lambda path: b"ab"), "read b'ab' for b'abc'"),
        (_target(lambda path: 0, lambda data: _raise(ValueError("bad"))), "accepted what must be"),
        (_target(lambda path: _raise(OSError("a.txt")), exact=True), "refused what is well-formed"),
        (_target(lambda path: _raise(OSError("a.txt"))), REFUSED),
        (_target(lambda path: path.read_bytes()), ACCEPTED),
        (_target(lambda path: json.loads("a.txt")), "ended with a library's JSONDecodeError"),
    ],
)
def test_verdicts(target, what, tmp_path):
    assert verdict(target, b"abc", tmp_path).startswith(what)


def test_an_input_depends_on_its_number_alone():
    target = _target(None)
    inputs = [target.input("x", 1, i) for i in range(200)]
    assert inputs == [target.input("x", 1, i) for i in range(200)]
    assert len(set(inputs)) > 100
    content = b'{"a": [1, {"b": null}], "c": "d"}'
    twice = [mutation.mutated_json(random.Random(i), [content]) for i in range(300)]
    assert any(data.count(b'"a"') == 2 for data in twice)


def test_the_command_writes_what_it_found(tmp_path):
    path = tmp_path / "fuzz.json"
    given = ["--only=gates", "--inputs=50", "--seed=3", f"--fuzz_json={path}"]
    ended = forked.run("experiments.fuzz", *given)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(path.read_text())["readers"]["gates"]
    assert found["inputs"] == 50 == found[ACCEPTED] + found[REFUSED]
    assert ended.stdout.startswith("gates: 50 inputs")


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("", [""]),
        ('"a,""b""",c', ['a,"b"', "c"]),
        ('5" x,"a"b,', ['5" x', "ab", ""]),
        ('"a\rb"', ["a\rb"]),
    ],
)
def test_the_plain_definition_of_cells(line, cells):
    assert plain.cells_of(line, ",") == cells


def test_the_plain_definition_refuses_a_quote_that_does_not_end():
    with pytest.raises(ValueError, match="does not end"):
        plain.cells_of('a,"b', ",")
