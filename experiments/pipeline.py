"""The main job: data, search stages, re-training, evaluation, export; each part resumable."""

import dataclasses
import difflib
import json
import pathlib
import time

import gin
import keras
import numpy as np

from aim_keras import atomic, search
from aim_keras.architecture import Architecture
from aim_keras.callbacks import rank_metrics
from aim_keras.export import export_saved_model
from experiments import fitting, summary

STAGES = {"search_interactions": "interactions", "search_dimensions": "dimensions", "retrain": None}
PARITY_ROWS = 1000


def run(
    run_dir,
    dataset=gin.REQUIRED,
    model=gin.REQUIRED,
    fit=gin.REQUIRED,
    stages=tuple(STAGES),
    architecture=None,
    batch_size=2000,
    seed=0,
    raw_dir=None,
    data_dir="data",
):
    """Runs what `run_dir` does not hold yet: the stages, then evaluation and export.

    Each stage runs in the gin scope of its name, so a value can be given to one stage alone. The
    test split is read once, at the end.

    Args:
        run_dir: Folder of the results. One that holds a finished or interrupted run of the same
            configuration goes on where it stopped.
        dataset: Callable that gives a TFDS builder from `data_dir` and, where given, `raw_dir`.
        model: Callable `(vocabulary_sizes, architecture, search) -> Keras model` of logits.
        fit: `fitting.fit`, as configured.
        stages: Names out of `search_interactions`, `search_dimensions` and, last, `retrain`.
        architecture: Path of an `architecture.json` to start from, or `None`.
        batch_size: Rows of a batch.
        seed: Of the weights and of the order of the rows.
        raw_dir: Folder of the raw files.
        data_dir: Folder of the prepared data.

    Returns:
        The content of `metrics.json`.

    Raises:
        ValueError: on unknown stages, or a `run_dir` of another configuration.
    """
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown or not stages or stages[-1] != "retrain":
        raise ValueError(f"stages must be of {list(STAGES)}, retrain last. Received: {stages}")
    run_dir = pathlib.Path(run_dir)
    start = None if architecture is None else Architecture.load(architecture)
    folders = {"raw_dir": raw_dir, "data_dir": data_dir}
    builder = dataset(**{name: path for name, path in folders.items() if path is not None})
    _claim(run_dir, f"{gin.config_str()}\n# Data: {builder.info.full_name}\n# Seed: {seed}\n")
    finished = run_dir / "metrics.json"
    if not finished.exists():
        builder.download_and_prepare()
        job = fitting.Job(builder, batch_size, seed)
        trained, found, records = _run_stages(run_dir, job, model, fit, stages, start)
        results = _evaluate(job, trained, found, records)
        _save(run_dir, job, trained, found)
        atomic.write_text(finished, json.dumps(results, indent=2) + "\n")
    results = json.loads(finished.read_text())
    summary.show(results)
    print(f"Results in {run_dir}")
    return results


def _claim(run_dir, configuration):
    path = run_dir / "requested.gin"
    if not path.exists():
        atomic.write_text(path, configuration)
    elif path.read_text() != configuration:
        before, now = path.read_text().splitlines(), configuration.splitlines()
        changes = "\n".join(difflib.unified_diff(before, now, "there", "now", "", "", 0, ""))
        raise ValueError(
            f"{run_dir} holds a run of another configuration: choose another run_dir. "
            f"Received:\n{changes}"
        )


def _run_stages(run_dir, job, build_model, fit, stages, architecture):
    records = []
    for stage in stages:
        if STAGES[stage] and architecture is not None and not architecture.orders:
            print(f"Stage: {stage}: nothing to search, no interaction is left")
            continue
        with gin.config_scope(stage):
            model, architecture, record = run_stage(
                run_dir / "stages" / stage, job, build_model, fit, stage, architecture
            )
        records.append(record)
        atomic.write_text(run_dir / "config.gin", gin.operative_config_str())
    return model, architecture, records


def run_stage(stage_dir, job, build_model, fit, stage, architecture):
    """Trains one stage, or reads what a search stage found if it is done.

    Returns:
        The trained model (`None` for a search stage that was done before), the architecture for
        the next stage, and the stage's record for `metrics.json`.
    """
    searched = STAGES[stage]
    record_path, architecture_path = stage_dir / "metrics.json", stage_dir / "architecture.json"
    if searched and record_path.exists():
        return None, Architecture.load(architecture_path), json.loads(record_path.read_text())
    print(f"Stage: {stage}")
    keras.utils.set_random_seed(job.seed)
    sizes = job.builder.vocabulary_sizes
    model = build_model(sizes, architecture=architecture, search=searched)
    started = time.monotonic()
    fit(model, stage_dir, job, searching=searched is not None)
    seconds = round(time.monotonic() - started, 1)
    print(f"Evaluation of {stage} on valid")
    valid = rank_metrics(model, job.batches("valid"), verbose=1)
    if searched:
        found = search.found_architecture(model, architecture)
    else:
        found = architecture or search.read_gates(model)
    found = dataclasses.replace(
        found,
        dataset=job.builder.info.full_name,
        found_by={"stage": stage, "seed": job.seed, **valid},
    )
    record = {
        "stage": stage,
        **valid,
        "interactions": {str(p): len({q for _, q in found.units(p)}) for p in found.orders},
        "units": {str(p): len(found.units(p)) for p in found.orders},
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        "seconds": seconds,
    }
    found.save(architecture_path)
    atomic.write_text(record_path, json.dumps(record, indent=2) + "\n")
    return model, found, record


def _evaluate(job, model, architecture, records):
    print("Evaluation on test")
    results = {
        "test": rank_metrics(model, job.batches("test"), verbose=1),
        "valid": {key: records[-1][key] for key in ("auc", "log_loss")},
        "parameters": records[-1]["parameters"],
        "stages": records,
    }
    planted = (job.builder.info.metadata or {}).get("planted")
    if planted:
        results["planted"] = recovery(architecture, planted["interactions"])
    return results


def recovery(architecture, planted):
    """Recall and precision of the kept interactions against the true ones, by order.

    Args:
        architecture: The found `Architecture`.
        planted: `{order: interactions}`, the true ones.

    Returns:
        `{order: {"recall": ..., "precision": ...}}`; a precision without any kept one is 0.
    """
    scores = {}
    for order, interactions in planted.items():
        true = {frozenset(q) for q in interactions}
        kept = {frozenset(q) for _, q in architecture.units(int(order))}
        hits = len(true & kept)
        scores[order] = {"recall": hits / len(true), "precision": hits / max(len(kept), 1)}
    return scores


def _save(run_dir, job, model, architecture):
    architecture.save(run_dir / "architecture.json")
    temporary = run_dir / ".model.keras"
    model.save(temporary)
    temporary.rename(run_dir / "model.keras")
    features = next(iter(job.batches("valid", PARITY_ROWS)))[0]
    fields = list(job.builder.vocabulary_sizes)
    export_saved_model(model, fields, run_dir / "saved_model" / "1", features)
