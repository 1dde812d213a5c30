"""The main job: data, search stages, re-training, evaluation, export; each part resumable."""

import difflib
import json
import os
import pathlib
from collections.abc import Callable, Sequence

import gin
import keras
from pydantic import NonNegativeInt, PositiveInt

from aim_keras import __version__, atomic
from aim_keras.architecture import Architecture
from aim_keras.datasets import pipeline as data
from aim_keras.datasets.encoding import ENCODING_FILE
from aim_keras.documents import write_json
from aim_keras.export import export_saved_model, signature
from aim_keras.search import grow
from experiments import (
    data_sets,
    distribution,
    fitting,
    provenance,
    request,
    run_files,
    stage,
    summary,
)
from experiments.configuration import operative
from experiments.recovery import recovery
from experiments.reporting import run_page

PARITY_ROWS = 1000


def run(
    run_dir,
    dataset: Callable = gin.REQUIRED,
    model: Callable = gin.REQUIRED,
    fit: Callable = gin.REQUIRED,
    search: Callable = stage.search,
    grow: Callable = grow,
    retrain: Callable = stage.retrain,
    load: Callable = Architecture.load,
    stages: Sequence[str] = request.STAGES,
    order: int = 2,
    architecture: str | os.PathLike | None = None,
    draw: Callable | None = None,
    start_from: str | os.PathLike | None = None,
    warm_start: bool = False,
    batch_size: PositiveInt = 2000,
    dtype_policy: str = "float32",
    seed: NonNegativeInt = 0,
    raw_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike = "data",
    beam_pipeline_options: Sequence[str] | None = None,
    distributed: str | None = None,
):
    """Runs what `run_dir` does not hold yet: the stages, then evaluation and export.

    Each stage runs in the gin scope of its name, so a value can be given to one stage alone;
    `search_interactions` runs once for each order, and for order 3 also in the scope
    `search_interactions/order_3`. The test split, where there is one, is read once, at the end.

    Args:
        run_dir: Folder of the results. A finished or interrupted run of the same configuration in
            it goes on where it stopped; one of another configuration is replaced if none of its
            stages has begun.
        dataset: Callable that gives a TFDS builder from `data_dir` and, where given, `raw_dir`.
        model: Callable `(fields, architecture, search) -> Keras model` of logits, or, where there
            is nothing to search, `(fields) -> Keras model`; an argument `counts` gets how often
            each id of a field occurs in train.
        fit: `fitting.fit`, as configured.
        search: `stage.search`, or the search of another model, such as `stage.search_groups`, as
            configured.
        grow: Callable `(architecture, seed) -> architecture` that adds the candidates of the next
            order: `aim_keras.search.grow`, as configured.
        retrain: `stage.retrain`, as configured.
        load: Callable `(path) -> what a search of this model finds`, where it is no `Architecture`.
        stages: Names out of `search_interactions`, `search_dimensions`, those of other models
            (`search_groups`, `search_operations`) and, last, `retrain`.
        order: Highest order of interactions that `search_interactions` searches.
        architecture: Path of an `architecture.json` to start from, or `None`. Its interactions are
            the candidates of a search's first order.
        draw: Callable `(architecture, seed) -> architecture` that gives what to start from in its
            place, such as `aim_keras.search.random_architecture`; `None` for the one given.
        start_from: Folder of a finished run whose model goes on, without a search, in place of
            `model`: the data must be encoded as that run's (`own_data.builder.encoding`). What it
            reaches on valid as it is comes before the stages. `None` for a new model.
        warm_start: Whether the re-training starts from the weights of the last search, of
            interactions or dimensions (`search.warm_start`; of several seeds, from the first's),
            or from fresh ones (the paper). Not of dimensions where fields share a table.
        batch_size: Rows of a batch.
        dtype_policy: Name of Keras's dtype policy of all layers in training, such as
            `"mixed_bfloat16"`, whose matrix products are twice as fast where the processor has
            them. What is served is in float32.
        seed: Of the weights and of the order of the rows.
        raw_dir: Folder of the raw files.
        data_dir: Folder of the prepared data.
        beam_pipeline_options: Options of Apache Beam, such as `["runner=DirectRunner"]`, which then
            prepares the data, the same to the byte; `None` prepares them in this process.
        distributed: How the devices that train are found, see `distribution.strategy_of`.

    Returns:
        The content of `metrics.json`; `None` of a worker that is not the chief.

    Raises:
        ValueError: on unknown stages, a warm start without a search that it can follow, a
            search or an architecture for a model that has none, an architecture with fields that
            the data do not have or of a higher order than is searched, fields that no SavedModel
            can have, a split whose labels are all the same, or a `run_dir` of another
            configuration.
        BlockingIOError: if another process is at work in `run_dir`.
        PermissionError: if `run_dir` cannot be written in.
        ImportError: if Apache Beam is asked for and absent.
    """
    request.check_stages(stages, model, architecture, draw, warm_start, start_from)
    strategy = distribution.strategy_of(distributed, batch_size)
    keras.config.set_dtype_policy(dtype_policy)
    run_dir = pathlib.Path(run_dir)
    if start_from is not None:
        architecture, model = request.trained_by(start_from)
    start = None if architecture is None else load(architecture)
    if draw is not None:
        start = draw(start, seed=seed)
    builder = data_sets.open_data(dataset, raw_dir, data_dir)
    start = request.on_fields(start, tuple(builder.field_names))
    request.check_order(order, stages, builder, start)
    configuration = f"{gin.config_str()}\n# Data: {builder.info.full_name}\n# Seed: {seed}\n"
    if start is not None:
        configuration += f"# Architecture: {json.dumps(start.to_dict())}\n"
    requested, finished = run_dir / run_files.REQUESTED, run_dir / run_files.METRICS
    if _has_begun(run_dir):
        _refuse_another(requested, configuration)
    if not finished.exists():
        if distribution.is_chief(strategy):
            atomic.check_writable(run_dir)
        data_sets.prepare(builder, beam_pipeline_options)
        request.check_data(start_from, builder)
        request.check_warm_start(warm_start, stages, builder)
        data.check_labels(builder)
        signature(builder.fields)
        job = fitting.Job(builder, batch_size, seed, strategy)
        if not _has_begun(run_dir):
            _check_stages(job, model, fit, stages, order, start)
        with distribution.folder(strategy, run_dir, configuration) as own:
            atomic.write_text(own / requested.name, configuration)
            how = (search, grow, retrain)
            trained, found, records = _run_stages(
                own, job, model, fit, how, stages, order, start, warm_start
            )
            if distribution.is_chief(strategy):
                if start_from is not None:
                    records = [stage.untrained(job, model, start), *records]
                results = _evaluate(job, trained, found, records)
                _save(run_dir, job, trained, found)
                came_from = provenance.facts(aim_keras=__version__)
                write_json(run_dir / run_files.PROVENANCE, came_from)
                write_json(finished, results)
    if not distribution.is_chief(strategy):
        print(f"Results by the chief in {run_dir}")
        return None
    if not (run_dir / run_page.FILE).exists():
        run_page.write(run_dir)
    results = run_files.metrics(finished)
    summary.show(results)
    print(f"Results in {run_dir}, to look at: {run_dir / run_page.FILE}")
    return results


def _has_begun(run_dir):
    return run_files.is_done(run_dir) or (run_dir / run_files.STAGES).exists()


def _check_stages(job, build_model, fit, stages, order, start):
    """Makes the optimizers of all stages, and a model of the last, before the first costs time."""
    for name, scope, _ in _plan(stages, range(request.highest_order(start), order + 1)):
        with gin.config_scope(scope):
            fitting.check_optimizers(fit, searching=name != "retrain")
    with gin.config_scope("retrain"):
        stage.build(job, build_model, start, None)


def _refuse_another(requested, configuration):
    there = requested.read_text("utf-8", "replace") if requested.exists() else configuration
    if there != configuration:
        before, now = there.splitlines(), configuration.splitlines()
        changes = "\n".join(difflib.unified_diff(before, now, "there", "now", "", "", 0, ""))
        raise ValueError(
            f"{requested.parent} holds a run of another configuration: choose another run_dir. "
            f"Received:\n{changes}"
        )


def _run_stages(run_dir, job, build_model, fit, how, stages, order, architecture, warm_start):
    search, grow, retrain = how
    lowest = request.highest_order(architecture)
    records = []
    start_dir = None
    for name, scope, p in _plan(stages, range(lowest, order + 1)):
        stage_dir = run_files.stage_dir(run_dir, name)
        print(f"Stage: {name}")
        with gin.config_scope(scope):
            if name == "retrain":
                model, architecture, record = retrain(
                    stage_dir, job, build_model, fit, architecture, start_dir
                )
            else:
                grows = p is not None and p > lowest
                if architecture is not None and not (
                    p - 1 in architecture.orders if grows else architecture.orders
                ):
                    print("Nothing to search: no interaction is left")
                    continue
                architecture, record, searched_dir = search(
                    stage_dir,
                    job,
                    build_model,
                    fit,
                    scope.split("/")[0].removeprefix("search_"),
                    grow(architecture, seed=job.seed) if grows else architecture,
                )
                start_dir = searched_dir if warm_start else None
        records.append(record)
        used = run_dir / run_files.USED
        atomic.write_text(used, operative(used.read_text() if used.exists() else ""))
    return model, architecture, records


def _plan(stages, orders):
    """`(name, gin scope, order)` of each stage; a search of interactions is one for each order."""
    for name in stages:
        if name == "search_interactions":
            yield from ((run_files.search_of(p), f"{name}/order_{p}", p) for p in orders)
        else:
            yield name, name, None


def _evaluate(job, model, architecture, records):
    has_test = "test" in job.builder.info.splits
    print("Evaluation on test" if has_test else "No evaluation on test, of which there are no rows")
    results = {
        "test": job.evaluate(model, "test") if has_test else None,
        "valid": {key: records[-1][key] for key in ("auc", "log_loss")},
        "constant_log_loss": data.entropy(job.builder, "valid"),
        "logit_shift": job.builder.logit_shift,
        "parameters": records[-1]["parameters"],
        "stages": records,
        "doubts": job.builder.doubts,
    }
    planted = (job.builder.info.metadata or {}).get("planted")
    if planted and isinstance(architecture, Architecture):
        results["planted"] = recovery(architecture, planted)
    return results


def _save(run_dir, job, model, architecture):
    if architecture is not None:
        architecture.save(run_dir / run_files.ARCHITECTURE)
    stage.save_model(model, run_dir / run_files.MODEL)
    job.builder.encoding.save(run_dir / ENCODING_FILE)
    if (schema := getattr(job.builder, "schema", None)) is not None:  # of own data
        schema.save(run_dir / run_files.SCHEMA)
    features = next(iter(job.batches("valid", PARITY_ROWS)))[0]
    if model.dtype_policy.compute_dtype != "float32":
        keras.config.set_dtype_policy("float32")
        trained, configuration = model, model.get_config()
        given = {"dtype": "float32"} if "dtype" in configuration else {}
        model = type(model).from_config(configuration | given)
        model.set_weights(trained.get_weights())
    path, shift = run_dir / "saved_model" / "1", job.builder.logit_shift
    export_saved_model(model, job.builder.encoding, path, features, shift)
