"""What was trained, measured and tuned: a JSON object a line, only ever appended to."""

import fcntl
import json
import numbers
import os
import pathlib

from aim_keras.documents import parsed
from experiments import run_files

PATH = "experiments/results/records.jsonl"
KEYS = (
    *("kind", "system", "seed", "dataset", "configuration"),
    *("command", "machine", "versions", "date", "commit"),
)
MACHINE = {"processor": str, "cores": int, "memory_gb": numbers.Real}
COSTS = {"parameters": int, "embedding_parameters": int, "inference_seconds": numbers.Real}
STAGE = {"seconds": numbers.Real, "epochs": int}
FOUND = {"fields": int, "interactions": dict, "units": dict, "stages": dict}
CONTENT = {  # of each kind
    "result": {"test": dict, "valid": dict, **COSTS, **FOUND},
    "tuning": {"valid": dict},
    "analysis": {"analysis": dict},
    "rerun": {"test": dict},
}
KINDS = tuple(CONTENT)


def read(path):
    """All records of a file, none if it is not there.

    Raises:
        ValueError: on a line that is cut off or is no record, naming it.
    """
    path = pathlib.Path(path)
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        place = f"{path}, line {number}"
        if not line.endswith(b"\n"):
            raise ValueError(f"{place} is cut off: delete the line, its run is recorded again.")
        try:
            record = parsed(line)
        except ValueError as error:
            raise ValueError(f"{place} is not JSON: {error}") from error
        _check(record, place)
        records.append(record)
    return records


def append(path, record):
    """Appends a record, all of its line at once.

    Raises:
        ValueError: if the last line of the file is cut off, or the record lacks a key or has what
            it must not.
    """
    path = pathlib.Path(path)
    _check(record, "A record")
    line = json.dumps(record) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        read(path)
        file.write(line.encode())
        os.fsync(file.fileno())


def key(run, data):
    """What a record must equal to be the run's."""
    return {
        "kind": run.kind,
        "system": run.system.name,
        "seed": run.seed,
        "dataset": data,
        "configuration": run.configuration,
    }


def rerun_key(rerun, data):
    """What a record must equal to be a `plan.Rerun`'s, of any seed."""
    return {
        "kind": "rerun",
        "system": rerun.name,
        "dataset": data,
        "configuration": rerun.configuration,
    }


def matching(records, wanted):
    """The records that have the wanted values."""
    return [r for r in records if all(r[name] == value for name, value in wanted.items())]


def find(records, run, data):
    """The last record of a run, or `None`: those of another configuration or data are not its."""
    matches = matching(records, key(run, data))
    return matches[-1] if matches else None


def latest_data(records, runs):
    """The data of the last record of any of the runs, whatever its data; `None` without any."""
    found = _of_runs(records, runs)
    return found[-1]["dataset"] if found else None


def of_other_data(records, runs, data):
    """How many records of the runs are of other data."""
    return sum(record["dataset"] != data for record in _of_runs(records, runs))


def _of_runs(records, runs):
    wanted = {(run.kind, run.system.name, run.configuration) for run in runs}
    return [r for r in records if (r["kind"], r["system"], r["configuration"]) in wanted]


def _check(record, place):
    if not isinstance(record, dict) or not set(KEYS) <= set(record) or record["kind"] not in KINDS:
        raise ValueError(
            f"{place} must be an object with the keys {', '.join(KEYS)}, kind being of {KINDS}. "
            f"Received: {str(record)[:80]}"
        )
    if record["kind"] == "tuning" and "test" in record:
        raise ValueError(f"{place}: tuning must not see the test split. Received: {record['test']}")
    run_files.check(record, {"date": str, **CONTENT[record["kind"]]}, place)
    run_files.check(record["dataset"], {"name": str, "id": str}, f"{place}, dataset")
    run_files.check(record["machine"], MACHINE, f"{place}, machine")
    for split in set(run_files.EVALUATED) & set(record):
        run_files.check_scores(record[split], f"{place}, {split}")
    if record["kind"] == "analysis":
        run_files.check_analysis(record["analysis"], f"{place}, analysis")
    if record["kind"] == "result":
        run_files.check_range({name: record[name] for name in COSTS}, place)
        for name, stage in record["stages"].items():
            run_files.check(stage, STAGE, f"{place}, stages/{name}")
            run_files.check_range({key: stage[key] for key in STAGE}, f"{place}, stages/{name}")
