"""Runs what has no record yet, one process a training, and records it."""

import concurrent.futures
import os
import subprocess
import sys
import threading

import keras

from aim_keras.documents import read_json
from experiments import binary, provenance, run_files
from experiments.tabulating import measuring, records

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
_measures = threading.Lock()  # Keras's state is one for all threads.


class RunError(Exception):
    """A training that failed, with what it said last."""


def run_missing(runs, builder, data, records_path, runs_dir, jobs=1, **folders):
    """Runs and records all runs that have no record, in their order.

    A run that was interrupted goes on where it stopped. One that fails is said and left out. One
    that another needs and whose folder is lost is made again, beside its record.

    Args:
        runs: Runs, those first whose architecture others take.
        builder: The prepared data set.
        data: Its `data.identity`.
        records_path: File of the records.
        runs_dir: Folder of the runs.
        jobs: How many are run at a time, each on its share of the cores.
        **folders: `raw_dir` and `data_dir` of the main job.

    Returns:
        What failed, a line each.
    """
    existing = records.read(records_path)
    missing = [run for run in runs if records.find(existing, run, data) is None]
    lost = []
    for run in missing:
        known = run.source in (None, *missing, *lost)
        if not known and not run.found(runs_dir, data).exists():
            lost.append(run.source)
    missing = [*lost, *missing]
    cores = max(1, (os.cpu_count() or 1) // jobs)
    futures = {}

    def attempt(run, place, earlier):
        concurrent.futures.wait(earlier)
        print(place, flush=True)
        try:
            record = _record(run, builder, data, runs_dir, folders, cores)
        except (RunError, OSError, ValueError) as error:
            print(f"{place} failed: {error}", flush=True)
            return f"{_name(run)}: {error}"
        if records.find(existing, run, data) is None:
            records.append(records_path, record)
        return None

    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        for number, run in enumerate(missing, start=1):
            place = f"[{number}/{len(missing)}] {_name(run)}"
            read = [other.folder(runs_dir, data) for other in (run.source, run) if other]
            earlier = [futures["result", path] for path in read if ("result", path) in futures]
            futures[run.kind, read[-1]] = pool.submit(attempt, run, place, earlier)
        return [failure for future in futures.values() if (failure := future.result())]
    finally:
        pool.shutdown(cancel_futures=True)


def _name(run):
    what = [run.system.name, *run.choice, f"seed {run.seed}"]
    return ", ".join([*what, *(["analysis"] if run.kind == "analysis" else [])])


def _record(run, builder, data, runs_dir, folders, cores):
    folder = run.folder(runs_dir, data)
    given = [f"--{name}={path}" for name, path in folders.items() if path is not None]
    if run.kind == "analysis":
        flags, command = [], ["experiments.analyze", f"--run_dir={folder}"]
        shown = ["--run_dir=FOLDER"]
    else:
        flags = run.arguments(run.source and _found(run, runs_dir, data))
        command = ["experiments.train", *flags, f"--run_dir={folder}"]
        shown = run.arguments(run.source and f"of {_name(run.source)}")
    _child([*command, *given], folder.with_suffix(".log"), cores)
    return {
        **records.key(run, data),
        "command": ["python", "-m", command[0], *shown],
        **(provenance.facts() if run.kind == "analysis" else _trained(folder)),
        **_content(run, builder, folder),
    }


def _trained(folder):
    """Where a training comes from, which may have ended long before it is recorded."""
    return read_json(folder / run_files.PROVENANCE, "machine", "versions", "date", "commit")


def _found(run, runs_dir, data):
    path = run.found(runs_dir, data)
    if not path.exists():
        raise RunError(
            f"it takes the architecture of {_name(run.source)}, and {path} is not there."
        )
    return path


def _child(command, log, cores):
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        before = file.tell()
        result = subprocess.run(
            [sys.executable, "-m", *command],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**dict.fromkeys(THREADS, str(cores)), **os.environ},
            check=False,
        )
    if result.returncode:
        said = binary.last_error(log.read_bytes()[before:].decode(errors="replace"))
        raise RunError(f"exit status {result.returncode}, {said} (all of it: {log})")


def _content(run, builder, folder):
    """What a record holds beside its key and where it comes from."""
    if run.kind == "analysis":
        return {"analysis": run_files.analysis(folder / run_files.ANALYSIS)}
    results = run_files.metrics(folder / run_files.METRICS)
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
    with _measures:
        model = keras.saving.load_model(folder / run_files.MODEL, compile=False)
        costs = {
            "fields": len(builder.fields),
            "interactions": results["stages"][-1]["interactions"],
            "units": results["stages"][-1]["units"],
            "embedding_parameters": measuring.embedding_parameters(model),
            "inference_seconds": measuring.inference_seconds(model, builder),
        }
        keras.utils.clear_session()
    return costs
