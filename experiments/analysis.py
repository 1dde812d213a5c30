"""What a finished run has found, against its data; re-training of the strongest interactions."""

import itertools
import json
import pathlib

import gin
import keras
import numpy as np

from aim_keras import analysis
from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer
from aim_keras.datasets import pipeline as data
from aim_keras.documents import write_json
from aim_keras.field_importance import permutation_importance
from aim_keras.fields import places
from experiments import data_sets, pipeline, run_files, summary
from experiments.configuration import parse
from experiments.reporting import run_page

BATCH_ROWS = 1 << 16  # to count
MODEL_ROWS = 1 << 12  # for the model, whose products are many times as large


def analyze(
    run_dir,
    order=2,
    top=None,
    split="valid",
    retrain=False,
    interactions_per_pass=50,
    raw_dir=None,
    data_dir=None,
):
    """Writes `analysis.json` of a finished run, prints it, and draws it in the report of the run.

    Statistics count the clicks of train and are evaluated on valid, as the re-trained model is for
    the importance of its fields; the paper evaluates on test, which is for a look only, since
    nothing may be chosen on it.

    Args:
        run_dir: Folder of a finished run that searched interactions of that order.
        order: Order of the interactions.
        top: How many interactions to rank by alpha and by statistics_AUC, of those among fields of
            one id; `None` for as many as the search kept.
        split: `"valid"` or `"test"`, to evaluate on.
        retrain: Whether to re-train both top interactions, each in a run of its own in
            `run_dir/analysis`, with the configuration of this run.
        interactions_per_pass: Number of interactions counted in one pass: less takes longer and
            needs less memory.
        raw_dir: Folder of the raw files; not needed where the prepared data are there, but of
            files of one's own, whose paths the configuration has.
        data_dir: Folder of the prepared data; `None` for that of the configuration.

    Returns:
        The content of `analysis.json`.

    Raises:
        ValueError: if the run is not finished, searched or kept no interaction of that order among
            fields of one id, or is of other data; on an argument out of range.
    """
    if split not in run_files.EVALUATED or (retrain and split != "valid"):
        raise ValueError(
            f"split must be of {run_files.EVALUATED}, and valid to re-train: nothing is chosen on "
            f"test. Received: split={split!r}, retrain={retrain}"
        )
    checked_integer("interactions_per_pass", interactions_per_pass)
    run_dir = pathlib.Path(run_dir)
    kept, searched = _architectures(run_dir, order)
    given = {"raw_dir": raw_dir, "data_dir": data_dir}
    folders = {name: path for name, path in given.items() if path is not None}
    builder = _builder(run_dir, folders, kept.dataset)
    columns = _columns_of_one_id(builder.fields)
    countable = searched.keep(
        unit for unit in searched.units(order) if set(unit[1]) <= set(columns)
    )
    if not countable.units(order):
        raise ValueError(
            f"The search must have kept an interaction of order {order} among fields of one id, "
            f"which have clicks to count: {', '.join(columns)}. Received: {searched.units(order)}"
        )
    top = len({q for _, q in countable.units(order)}) if top is None else top
    by_alpha = analysis.top_by_alpha(countable, top, order)
    statistics = _statistics(builder, columns, split, order, interactions_per_pass)
    by_statistics = analysis.top_by_statistics(statistics, top)
    importance = permutation_importance(
        keras.models.load_model(run_dir / run_files.MODEL),
        data.batches(builder, split, MODEL_ROWS),
        builder.fields,
        builder.logit_shift,
    )
    content = {
        "order": order,
        "split": split,
        "functions": kept.functions,
        "function_frequency": analysis.function_frequency(kept),
        **_against_statistics(searched, statistics),
        **_dimensions(kept, builder.vocabulary_sizes, importance),
        "top": {
            "n": top,
            "alpha": by_alpha,
            "statistics": by_statistics,
            "overlap": len(set(by_alpha) & set(by_statistics)) / top,
        },
    }
    content |= _retrained_before(run_dir, content)
    write_json(run_dir / run_files.ANALYSIS, content)
    summary.show_analysis(content)
    if retrain:
        folder = run_dir / "analysis" / f"order_{order}_top_{top}"
        content["retrained"] = {
            name: _retrain(
                run_dir, folder / name, analysis.with_interactions(searched, interactions), folders
            )
            for name, interactions in (("alpha", by_alpha), ("statistics", by_statistics))
        }
        write_json(run_dir / run_files.ANALYSIS, content)
        summary.show_retrained(content["retrained"])
    print(f"Analysis in {run_dir / run_files.ANALYSIS}, drawn in {run_page.write(run_dir)}")
    return content


def _architectures(run_dir, order):
    """What the run kept, and what its search of interactions of that order found."""
    found = run_files.searched_architecture(run_dir, order)
    for path in (run_dir / run_files.METRICS, found):
        if not path.exists():
            raise ValueError(
                f"run_dir must hold a finished run that searched interactions of order {order}. "
                f"Received: run_dir={run_dir}, without {path.relative_to(run_dir)}"
            )
    searched = Architecture.load(found)
    if order not in searched.orders:
        raise ValueError(
            f"The search must have kept interactions of order {order}. "
            f"Received: {found}, of orders {list(searched.orders)}"
        )
    return Architecture.load(run_dir / run_files.ARCHITECTURE), searched


def _configure(run_dir, *bindings):
    gin.clear_config()
    parse(run_dir / run_files.REQUESTED, bindings)


def _builder(run_dir, folders, dataset):
    """The prepared data set of a run."""
    _configure(run_dir)
    configured = gin.get_bindings(pipeline.run)
    there = {name: configured[name] for name in ("raw_dir", "data_dir") if configured.get(name)}
    builder = data_sets.open_data(configured["dataset"], **{**there, **folders})
    if builder.info.full_name != dataset:
        raise ValueError(
            f"The data must be those of the run, {dataset}. Received: {builder.info.full_name}"
        )
    builder.download_and_prepare()
    return builder


def _columns_of_one_id(fields):
    """`{field: its column}`, but for lists and numbers, which have no value to count by."""
    return {
        name: column.start
        for (name, field), (column, _) in zip(fields.items(), places(fields.values()), strict=True)
        if not field.multi_valued and not field.weighted
    }


def _statistics(builder, columns, split, order, per_pass):
    """`{interaction: statistics_AUC}` of all interactions of an order, some in each pass."""
    sizes = {name: builder.vocabulary_sizes[name] for name in columns}
    interactions = list(itertools.combinations(sizes, order))
    statistics = {}
    for start in range(0, len(interactions), per_pass):
        some = interactions[start : start + per_pass]
        train, evaluation = (
            _ids(data.batches(builder, s, BATCH_ROWS), list(columns.values()))
            for s in ("train", split)
        )
        statistics |= analysis.statistics_auc(train, evaluation, sizes, some)
        print(f"statistics_AUC of {len(statistics)} of {len(interactions)} interactions")
    return statistics


def _ids(batches, columns):
    for features, labels, *_ in batches:
        ids = features[0] if isinstance(features, tuple) else features
        yield ids.numpy()[:, columns], labels.numpy()


def _against_statistics(searched, statistics):
    rows = analysis.alpha_by_statistics(searched, statistics)
    strongest = [max(row["alpha"].values(), default=0.0) for row in rows]
    aucs = [row["statistics_auc"] for row in rows]
    numbers = analysis.functions_by_statistics(searched, statistics)
    return {
        "interactions": rows,
        "alpha_rank_correlation": analysis.rank_correlation(strongest, aucs),
        "functions_by_statistics": {
            number: {
                "interactions": len(values),
                "mean": float(np.mean(values)),
                "median": float(np.median(values)),
                "min": values[0],
                "max": values[-1],
            }
            for number, values in numbers.items()
        },
    }


def _dimensions(kept, sizes, importance):
    """Table 6 of the embeddings that an interaction reads, as if no function shared its own; and
    how important each field is."""
    rows = analysis.dimension_by_vocabulary(kept, sizes, read_embeddings=False)
    rows = [{**row, "importance": importance[row["field"]]} for row in rows]
    columns = ([row[name] for row in rows] for name in ("vocabulary_size", "dimension"))
    return {"dimensions": rows, "dimension_rank_correlation": analysis.rank_correlation(*columns)}


def _retrain(run_dir, folder, architecture, folders):
    """Re-trains an architecture by the main job, with the configuration of a run."""
    path = folder.with_suffix(".json").resolve()
    architecture.save(path)
    _configure(
        run_dir,
        "pipeline.run.stages = ('retrain',)",
        "pipeline.run.warm_start = False",
        "pipeline.run.draw = None",
        f"pipeline.run.architecture = {str(path)!r}",
    )
    results = gin.get_configurable(pipeline.run)(folder, **folders)
    return {name: results[name] for name in ("valid", "test", "parameters")}


def _retrained_before(run_dir, content):
    """What an earlier analysis has re-trained, of the same interactions."""
    try:
        earlier = json.loads((run_dir / run_files.ANALYSIS).read_text("utf-8"))
        of_earlier = earlier["order"], earlier["top"], earlier["retrained"]
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return {}
    *same, retrained = of_earlier
    now = json.loads(json.dumps([content["order"], content["top"]]))
    return {"retrained": retrained} if same == now else {}
