"""The folder of a run: where its files are, and what the JSON ones hold.

These are checked as they are read: they may have been edited, or cut off.
"""

import math
import numbers
import pathlib
import re
import sys

from aim_keras.documents import check_known, checked_list, checked_names, read_json

STAGES = "stages"
START = "start"  # in the place of a stage, the model of another run that goes on
METRICS, ARCHITECTURE, MODEL = "metrics.json", "architecture.json", "model.keras"  # of stages too
REQUESTED, USED = "requested.gin", "config.gin"  # as given, and with the defaults
GATES = "gates.jsonl"
PROVENANCE = "provenance.json"
SCHEMA = "schema.json"
ANALYSIS = "analysis.json"
SHARING = ("shared_embedding", "share_orders")
EVALUATED = ("valid", "test")
LARGEST = sys.float_info.max
SCORES = {"auc": numbers.Real, "log_loss": numbers.Real}
COSTS = {"parameters": int, "seconds": numbers.Real, "epochs": int}
RECORD = {"stage": str, "interactions": dict, "units": dict}
OF_METRICS = {"valid": dict, "parameters": int, "stages": list}
RECOVERED = {"recall": numbers.Real, "precision": numbers.Real}
OF_FUNCTIONS = ("functions", "told_apart")  # `None` where none is known
OF_ANALYSIS = {
    "order": int,
    "split": str,
    "functions": list,
    "function_frequency": dict,
    "interactions": list,
    "dimensions": list,
}
CORRELATIONS = ("alpha_rank_correlation", "dimension_rank_correlation")
INTERACTION = {"interaction": list, "statistics_auc": numbers.Real, "alpha": dict}
DIMENSION = {"field": str, "vocabulary_size": int, "dimension": int}
IMPORTANCE = {"auc": numbers.Real, "log_loss": numbers.Real}


def stage_dir(run_dir, name):
    """The folder of a stage."""
    return pathlib.Path(run_dir, STAGES, name)


def is_done(folder):
    """Whether the stage, or the run, of that folder is: what says so is written last."""
    return (folder / METRICS).exists()


def search_of(order):
    """The name of the stage that searches interactions of an order."""
    return f"search_interactions_{order}"


def order_of(stage):
    """The order of the interactions that the stage of that name searches, or `None`."""
    match = re.fullmatch(search_of(r"(\d+)"), stage)
    return match and int(match[1])


def searched_architecture(run_dir, order):
    """The file of what the search of an order's interactions found."""
    return stage_dir(run_dir, search_of(order)) / ARCHITECTURE


def sharing(config):
    """What embeddings share in the model of a configuration (`get_config`)."""
    return {name: bool(config.get(name)) for name in SHARING}


def record(path):
    """The record of a stage, `metrics.json` in its folder.

    Raises:
        ValueError: if it is none, naming the file and the place.
    """
    content = read_json(path)
    _check_record(content, f"{path}")
    return content


def metrics(path):
    """The results of a run, `metrics.json` in its folder.

    Raises:
        ValueError: if they are none, naming the file and the place.
    """
    content = read_json(path)
    check(content, OF_METRICS, f"{path}")
    check_range({"parameters": content["parameters"]}, f"{path}")
    for name in EVALUATED:
        if content.get(name, "") is not None:  # as it is of test where there are no rows of it
            check_scores(content.get(name), f"{path}, {name}")
    if not content["stages"]:
        raise ValueError(f"{path}, stages: there must be one. Received: none")
    for number, stage in enumerate(content["stages"]):
        _check_record(stage, f"{path}, stages/{number}")
    for name in sorted({"constant_log_loss", "logit_shift"} & {*content}):  # since there are such
        check(content, {name: numbers.Real}, f"{path}")
        check_range({name: content[name]}, f"{path}", -LARGEST * (name == "logit_shift"))
    doubts = checked_list(content.get("doubts", ()), f"{path}, doubts")
    if wrong := [doubt for doubt in doubts if not isinstance(doubt, str)]:
        raise ValueError(f"{path}, doubts: each must be a string. Received: {wrong[0]!r:.200}")
    planted = content.get("planted", {})
    check(planted, {}, f"{path}, planted")
    for order, scores in planted.items():
        place = f"{path}, planted/{order}"
        check(scores, RECOVERED, place)
        check_range({name: scores[name] for name in RECOVERED}, place, 0, 1)
        for name in OF_FUNCTIONS:
            _check_or_null(scores, name, place, 0, 1)
    return content


def analysis(path):
    """The analysis of a run, `analysis.json` in its folder, of which more may be there.

    Raises:
        ValueError: if it is none, naming the file and the place.
    """
    content = read_json(path)
    check_analysis(content, f"{path}")
    return content


def check_analysis(content, place):
    """Raises `ValueError` unless `content` is an analysis, naming the place."""
    check(content, OF_ANALYSIS, place)
    check_known([content["split"]], EVALUATED, "it", f"{place}, split")
    functions = checked_names(content["functions"], f"{place}, functions")
    if not content["interactions"]:
        raise ValueError(f"{place}, interactions: there must be one. Received: none")
    for order, shares in content["function_frequency"].items():
        of_order = f"{place}, function_frequency/{order}"
        check(shares, dict.fromkeys(functions, numbers.Real), of_order)
        check_known(shares, functions, "functions", of_order)
        check_range(shares, of_order, 0, 1)
    for name in CORRELATIONS:
        _check_or_null(content, name, place, -1, 1)
    for number, row in enumerate(content["interactions"]):
        _check_interaction(row, content["order"], functions, f"{place}, interactions/{number}")
    _check_dimensions(content["dimensions"], f"{place}, dimensions")


def _check_interaction(row, order, functions, place):
    check(row, INTERACTION, place)
    fields = checked_names(row["interaction"], f"{place}, interaction")
    if len(fields) != order:
        raise ValueError(f"{place}: an interaction must have {order} fields. Received: {fields}")
    check_range({"statistics_auc": row["statistics_auc"]}, place, 0, 1)
    check_known(row["alpha"], functions, "functions", f"{place}, alpha")
    check(row["alpha"], dict.fromkeys(row["alpha"], numbers.Real), f"{place}, alpha")
    check_range(row["alpha"], f"{place}, alpha")


def _check_dimensions(rows, place):
    for number, row in enumerate(rows):
        check(row, DIMENSION, f"{place}/{number}")
        sizes = {name: row[name] for name in ("vocabulary_size", "dimension")}
        check_range(sizes, f"{place}/{number}")
    important = any("importance" in row for row in rows)  # of all fields, or of none
    for number, row in enumerate(rows if important else ()):
        check(row, {"importance": dict}, f"{place}/{number}")
        check(row["importance"], IMPORTANCE, f"{place}/{number}, importance")
        lost = {name: row["importance"][name] for name in IMPORTANCE}
        check_range(lost, f"{place}/{number}, importance", -LARGEST)


def _check_record(content, place):
    check(content, RECORD, place)
    check_trained(content, place)
    if "/" in content["stage"]:
        raise ValueError(f"{place}: stage must be one folder. Received: {content['stage']!r:.200}")
    for name in ("interactions", "units"):
        check(content[name], dict.fromkeys(content[name], int), f"{place}, {name}")
        check_range(content[name], f"{place}, {name}")


def check_trained(content, place):
    """Raises `ValueError` unless `content` says what a training reached, and at which costs."""
    check_scores(content, place)
    check(content, COSTS, place)
    check_range({name: content[name] for name in COSTS}, place)


def check_scores(content, place):
    """Raises `ValueError` unless `content` has an AUC and a log loss, both possible and finite."""
    check(content, SCORES, place)
    check_range({"auc": content["auc"]}, place, 0, 1)
    check_range({"log_loss": content["log_loss"]}, place)


def check(content, kinds, place):
    """Raises `ValueError` unless `content` is an object whose values are of these classes."""
    if not isinstance(content, dict):
        raise ValueError(f"{place} must be an object. Received: {content!r:.200}")
    for name, kind in kinds.items():
        value = content.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            described = "a number" if kind is numbers.Real else kind.__name__
            raise ValueError(f"{place}: {name} must be {described}. Received: {value!r:.200}")


def _check_or_null(content, name, place, lowest, highest):
    """The same of a number that is there, but may be `None`."""
    if content.get(name, math.nan) is not None:
        check(content, {name: numbers.Real}, place)
        check_range({name: content[name]}, place, lowest, highest)


def check_range(values, place, lowest=0, highest=LARGEST):
    """Raises `ValueError` unless all numbers of a mapping lie within both, which NaN does not."""
    for name, value in values.items():
        if not lowest <= value <= highest:
            raise ValueError(
                f"{place}: {name} must be from {lowest} to {highest}. Received: {value!r:.200}"
            )
