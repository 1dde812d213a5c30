"""The file of records: whole lines, and which of them are a run's."""

import dataclasses
import fcntl
import json
import threading

import pytest

from experiments.tabulating import records
from experiments.tabulating.plan import System
from experiments.tabulating.runs import Run
from tests.experiments.tabulating.made_up import DATA, result

RUN = Run("result", System("FM", "factorization", "quickstart.gin"), 1, "abc")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results" / "records.jsonl"
    records.append(path, result(RUN, 0.7))
    records.append(path, result(RUN, 0.8))
    return path


def test_records_are_appended_a_line_each(path):
    assert records.read(path) == [result(RUN, 0.7), result(RUN, 0.8)]
    before = path.read_bytes()
    records.append(path, result(RUN, 0.9))
    assert path.read_bytes() == before + json.dumps(result(RUN, 0.9)).encode() + b"\n"


def test_a_record_waits_until_nobody_else_appends(path):
    before = path.read_bytes()
    with open(path, "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threading.Thread(target=records.append, args=(path, result(RUN, 0.9)))
        waiting.start()
        waiting.join(timeout=0.3)
        assert path.read_bytes() == before
    waiting.join()
    assert records.read(path)[-1] == result(RUN, 0.9)


def test_no_file_has_no_records(tmp_path):
    assert records.read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ('{"kind": "res', "line 3 is cut off: delete the line"),
        ('{"kind": "res\n', "line 3 is not JSON"),
        ('{"kind": "result"}\n', "line 3 must be an object with the keys kind, system"),
        ("[]\n", "line 3 must be an object"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_appended_to_it(path, end, message):
    with open(path, "a") as file:
        file.write(end)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"records.jsonl, {message}"):
        records.read(path)
    with pytest.raises(ValueError, match=f"records.jsonl, {message}"):
        records.append(path, result(RUN))
    assert path.read_bytes() == before


NAN = float("nan")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (result(RUN, test=None), "test must be dict. Received: None"),
        (result(RUN, test={"auc": NAN, "log_loss": 0.1}), "test: auc must be from 0 to 1"),
        (result(RUN, valid={"auc": 0.5}), "valid: log_loss must be a number. Received: None"),
        (result(RUN, valid={"auc": 1.5, "log_loss": 0.1}), "valid: auc must be from 0 to 1"),
        (result(RUN, inference_seconds=NAN), "inference_seconds must be from 0"),
        (result(RUN, stages={"x": {"seconds": NAN, "epochs": 1}}), "stages/x: seconds must be"),
        (result(RUN, stages={"x": {}}), "stages/x: seconds must be a number"),
        (result(RUN, dataset="shop"), "dataset must be an object"),
        (result(RUN, machine={}), "machine: processor must be str"),
        (result(dataclasses.replace(RUN, kind="analysis"), analysis={}), "analysis: order must be"),
        (result(dataclasses.replace(RUN, kind="rerun"), test={}), "test: auc must be a number"),
    ],
)
def test_a_record_holds_what_the_tables_need(path, record, message):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"^A record.*{message}"):
        records.append(path, record)
    assert path.read_bytes() == before
    with open(path, "a") as file:
        file.write(json.dumps(record) + "\n")
    with pytest.raises(ValueError, match=f"records.jsonl, line 3.*{message}"):
        records.read(path)


def test_tuning_never_holds_the_test_split(path):
    tuning = dataclasses.replace(RUN, kind="tuning")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="tuning must not see the test split"):
        records.append(path, result(tuning))
    assert path.read_bytes() == before
    without = {name: value for name, value in result(tuning).items() if name != "test"}
    records.append(path, without)
    assert records.find(records.read(path), tuning, DATA) == without


def test_the_last_record_of_a_run_is_found(path):
    assert records.find(records.read(path), RUN, DATA) == result(RUN, 0.8)


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"configuration": "abd"}, {"kind": "analysis"}],
    ids=lambda change: next(iter(change)),
)
def test_a_record_of_another_run_is_not_found(path, change):
    assert records.find(records.read(path), dataclasses.replace(RUN, **change), DATA) is None


def test_a_record_of_other_data_is_not_found(path):
    assert records.find(records.read(path), RUN, {**DATA, "id": "0"}) is None
    assert records.find(records.read(path), RUN, {**DATA, "name": "shop/1.0.1"}) is None


def test_the_data_of_the_latest_record(path):
    later = {**DATA, "id": "1"}
    records.append(path, {**result(RUN), "dataset": later})
    other = dataclasses.replace(RUN, configuration="abd")
    records.append(path, result(other))
    assert records.latest_data(records.read(path), [RUN]) == later
    assert records.of_other_data(records.read(path), [RUN], later) == 2
    assert records.latest_data([], [RUN]) is None
