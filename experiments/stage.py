"""The stages of a run: each goes from an architecture to an architecture, and can be resumed."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Annotated

import keras
import numpy as np
from pydantic import Field, NonNegativeInt

from aim_keras import atomic
from aim_keras.architecture import Architecture
from aim_keras.documents import write_json
from aim_keras.feature_groups import FeatureGroups
from aim_keras.search import (
    consensus,
    found_architecture,
    frequencies,
    front,
    read_gates,
    threshold_within,
    warm_start,
)
from experiments import fitting, run_files
from experiments.gin_values import making


def search(
    stage_dir,
    job,
    build_model,
    fit,
    kind,
    candidates,
    seeds: Annotated[Sequence[NonNegativeInt], Field(min_length=1)] | None = None,
    consensus_share: Annotated[float, Field(gt=0, le=1)] = 0.5,
    max_interactions: int | None = None,
    max_parameters: int | None = None,
    front_points: NonNegativeInt = 0,
):
    """Searches interactions or dimensions among candidates, or reads what was found if it is done.

    Args:
        stage_dir: `pathlib.Path` of the stage's folder.
        job: `fitting.Job`.
        build_model: Callable `(fields, architecture, search) -> Keras model`.
        fit: `fitting.fit`, as configured.
        kind: `"interactions"` or `"dimensions"`.
        candidates: `Architecture` to search in, `None` for all pairs of fields.
        seeds: Seeds of several searches; what at least `consensus_share` of them keep is found,
            and `frequencies.json` says how often each unit was kept. `None` for one search with
            the seed of the job.
        consensus_share: see `seeds`.
        max_interactions, max_parameters: Budget of what one search keeps; see
            `search.threshold_within`.
        front_points: Points of the size-quality front in `front.json`, without re-training; 0 for
            none.

    Returns:
        The found architecture, the record for `metrics.json`, and the folder of the searched model
        (of several seeds the first's).
    """
    searched_dir = stage_dir if seeds is None else stage_dir / f"seed_{seeds[0]}"
    if run_files.is_done(stage_dir):
        return *read(stage_dir), searched_dir
    budget = {"max_interactions": max_interactions, "max_parameters": max_parameters}
    arguments = (build_model, fit, kind, candidates, budget, front_points)
    if seeds is None:
        return *_search_once(stage_dir, job, *arguments), searched_dir
    found, records = zip(
        *(
            _search_once(
                stage_dir / f"seed_{seed}", dataclasses.replace(job, seed=seed), *arguments
            )
            for seed in seeds
        ),
        strict=True,
    )
    agreed = consensus(found, consensus_share)
    kept = [
        {"function": function, "interaction": interaction, "share": share}
        for (function, interaction), share in frequencies(found).items()
    ]
    write_json(stage_dir / "frequencies.json", kept)
    means = {key: float(np.mean([r[key] for r in records])) for key in ("auc", "log_loss")}
    sums = {key: sum(r[key] for r in records) for key in ("seconds", "epochs")}
    record = records[0] | means | sums
    return *finish(stage_dir, job, agreed, record), searched_dir


def _search_once(stage_dir, job, build_model, fit, kind, candidates, budget, front_points):
    if run_files.is_done(stage_dir):
        return read(stage_dir)
    model = build(job, build_model, candidates, kind)
    record = train(stage_dir, job, model, fit, searching=True)
    save_model(model, stage_dir / run_files.MODEL)
    # Embeddings that only a later MLP may read count, too.
    sizes, sharing = job.builder.fields, run_files.sharing(model.get_config())
    threshold = threshold_within(model, candidates, **budget, vocabulary_sizes=sizes, **sharing)
    found = found_architecture(model, candidates, threshold)
    if front_points:
        print(f"Size-quality front of {stage_dir.name} on valid")
        points = front(
            model, lambda m: job.evaluate(m, "valid", verbose=0), candidates, front_points
        )
        for point in points:
            architecture = point.pop("architecture")
            point |= _counts(architecture)
            point["embedding_parameters"] = architecture.embedding_parameters(sizes, **sharing)
        write_json(stage_dir / "front.json", points)
    return finish(stage_dir, job, found, record)


def search_groups(stage_dir, job, build_model, fit, kind, candidates):
    """Searches the groups of an `AutoGroup`, or reads what was found if it is done.

    Args:
        stage_dir, job, build_model, fit: as of `search`.
        kind: `"groups"`.
        candidates: `FeatureGroups` to search within, `None` for all fields in every group.

    Returns:
        The found groups, the record for `metrics.json`, and the folder of the searched model.
    """
    if run_files.is_done(stage_dir):
        return *read(stage_dir, FeatureGroups.load), stage_dir
    model = build(job, build_model, candidates, kind)
    record = train(stage_dir, job, model, fit, searching=True)
    save_model(model, stage_dir / run_files.MODEL)
    return *finish(stage_dir, job, model.read_groups(), record), stage_dir


def retrain(stage_dir, job, build_model, fit, architecture, start_dir=None):
    """Trains the model of what was found, or all that can be found where it is `None`; or reads its
    weights if it is done.

    Args:
        stage_dir, job, build_model, fit: as of `search`.
        architecture: `Architecture`, or what another model's search finds, or `None`.
        start_dir: `pathlib.Path` of the folder of the searched model whose weights it starts from
            (`search.warm_start`); `None` for fresh weights.

    Returns:
        The trained model, its architecture (`None` of a model that has none) and the record for
        `metrics.json`.
    """
    model = build(job, build_model, architecture, None)
    if run_files.is_done(stage_dir):
        record = run_files.record(stage_dir / run_files.METRICS)
        model.load_weights(fitting.best_weights(stage_dir))
    else:
        if start_dir is not None:
            searched = keras.saving.load_model(start_dir / run_files.MODEL, compile=False)
            warm_start(model, searched)
        record = train(stage_dir, job, model, fit, searching=False)
    if architecture is None and searchable(build_model):
        architecture = getattr(model, "architecture", None) or read_gates(model)
    return model, *finish(stage_dir, job, architecture, record)


def searchable(build_model):
    """Whether models that `build_model` gives follow an architecture."""
    return fitting.takes(build_model, "architecture", "search")


def build(job, build_model, architecture, kind):
    """The model of an architecture, and of a kind of search, or `None`, with the job's seed."""
    keras.utils.set_random_seed(job.seed)
    given = {"architecture": architecture, "search": kind}
    given = {name: value for name, value in given.items() if value is not None}
    if fitting.takes(build_model, "counts"):
        given["counts"] = job.counts()
    with making(build_model):
        return build_model(job.builder.fields, **given)


def train(stage_dir, job, model, fit, searching):
    """Trains and validates a model: its record, without the stage and what was found."""
    started = time.monotonic()
    epochs = fit(model, stage_dir, job, searching=searching)
    seconds = round(time.monotonic() - started, 1)
    return {**_validated(stage_dir.name, job, model), "seconds": seconds, "epochs": epochs}


def untrained(job, build_model, architecture):
    """The record of the model that a run goes on with, as it is before it is trained."""
    model = build(job, build_model, architecture, None)
    valid = _validated(run_files.START, job, model)
    costs = {"seconds": 0.0, "epochs": 0}
    return {"stage": run_files.START, **valid, **costs, **_counts(architecture)}


def _validated(name, job, model):
    print(f"Evaluation of {name} on valid")
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    return {**job.evaluate(model, "valid"), "parameters": parameters}


def save_model(model, path):
    """Writes a `.keras` file, whole or not at all."""
    with atomic.new_file(path) as temporary:
        model.save(temporary)


def finish(stage_dir, job, found, record):
    """Writes what a stage found, with its origin, and the record that says it is done; both."""
    record = {"stage": "", **record} | {"stage": stage_dir.name, **_counts(found)}
    if found is not None:
        valid = {key: record[key] for key in ("auc", "log_loss")}
        found = dataclasses.replace(
            found,
            dataset=job.builder.info.full_name,
            found_by={"stage": stage_dir.name, "seed": job.seed, **valid},
        )
        found.save(stage_dir / run_files.ARCHITECTURE)
    write_json(stage_dir / run_files.METRICS, record)
    return found, record


def read(stage_dir, load=Architecture.load):
    """What `finish` wrote: what was found, and the record."""
    record = run_files.record(stage_dir / run_files.METRICS)
    return load(stage_dir / run_files.ARCHITECTURE), record


def _counts(architecture):
    if architecture is None:
        return {"interactions": {}, "units": {}}
    units = {order: architecture.units(order) for order in architecture.orders}
    return {
        "interactions": {str(order): len({q for _, q in of}) for order, of in units.items()},
        "units": {str(order): len(of) for order, of in units.items()},
    }
