"""Runs what has no record yet, one process a training, and records it."""

import json
import pathlib
import subprocess
import sys

import keras

import aim_keras
from experiments.benchmarks import machine
from experiments.tabulating import measuring, records


class RunError(Exception):
    """A training that failed, with what it said last."""


def run_missing(runs, builder, data, records_path, runs_dir, **folders):
    """Runs and records all runs that have no record, one after the other.

    A run that was interrupted goes on where it stopped. One that fails is said and left out.

    Args:
        runs: Runs, those first whose architecture others take.
        builder: The prepared data set.
        data: Its `data.identity`.
        records_path: File of the records.
        runs_dir: Folder of the runs.
        **folders: `raw_dir` and `data_dir` of the main job.

    Returns:
        What failed, a line each.
    """
    existing = records.read(records_path)
    missing = [run for run in runs if records.find(existing, run, data) is None]
    failures = []
    for number, run in enumerate(missing, start=1):
        place = f"[{number}/{len(missing)}] {_name(run)}"
        print(place, flush=True)
        try:
            record = _record(run, builder, data, runs_dir, folders)
        except (RunError, OSError, ValueError) as error:
            failures.append(f"{_name(run)}: {error}")
            print(f"{place} failed: {error}", flush=True)
        else:
            records.append(records_path, record)
    return failures


def _name(run):
    what = [run.system.name, *run.choice, f"seed {run.seed}"]
    return ", ".join([*what, *(["analysis"] if run.kind == "analysis" else [])])


def _record(run, builder, data, runs_dir, folders):
    folder = run.folder(runs_dir, data)
    given = [f"--{name}={path}" for name, path in folders.items() if path is not None]
    if run.kind == "analysis":
        flags, command = [], ["experiments.analyze", f"--run_dir={folder}"]
        shown = ["--run_dir=FOLDER"]
    else:
        flags = run.arguments(run.source and _found(run, runs_dir, data))
        command = ["experiments.train", *flags, f"--run_dir={folder}"]
        shown = run.arguments(run.source and f"of {_name(run.source)}")
    _child([*command, *given], folder.with_suffix(".log"))
    facts = machine.provenance()
    return {
        **records.key(run, data),
        "command": ["python", "-m", command[0], *shown],
        "machine": facts["machine"],
        "versions": {**facts["versions"], "aim_keras": aim_keras.__version__},
        "date": facts["date"],
        "commit": facts["commit"],
        **_content(run, builder, folder),
    }


def _found(run, runs_dir, data):
    path = run.found(runs_dir, data)
    if not path.exists():
        raise RunError(
            f"it takes the architecture of {_name(run.source)}, and {path} is not there. A run "
            "that is recorded is not run again: delete its record if its folder is lost."
        )
    return path


def _child(command, log):
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        result = subprocess.run(
            [sys.executable, "-m", *command], stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if result.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in lines if line.startswith("Error")] or lines or ["nothing"]
        raise RunError(f"exit status {result.returncode}, {said[-1]} (all of it: {log})")


def _content(run, builder, folder):
    """What a record holds beside its key and where it comes from."""
    if run.kind == "analysis":
        return {"analysis": json.loads((folder / "analysis.json").read_text())}
    results = json.loads((folder / "metrics.json").read_text())
    content = {
        "valid": results["valid"],
        "parameters": results["parameters"],
        "stages": {
            stage["stage"]: {name: stage[name] for name in ("seconds", "epochs")}
            for stage in results["stages"]
        },
    }
    if run.kind == "tuning":  # without test, which nothing may be chosen on
        return {"choice": list(run.choice), **content}
    return {"test": results["test"], **content, **_costs(results, builder, folder)}


def _costs(results, builder, folder):
    model = keras.saving.load_model(pathlib.Path(folder, "model.keras"), compile=False)
    costs = {
        "fields": len(builder.fields),
        "interactions": results["stages"][-1]["interactions"],
        "units": results["stages"][-1]["units"],
        "embedding_parameters": measuring.embedding_parameters(model),
        "inference_seconds": measuring.inference_seconds(model, builder),
    }
    keras.utils.clear_session()
    return costs
