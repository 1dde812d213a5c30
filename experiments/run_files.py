"""The JSON files of a run's folder, read and checked: they may have been edited, or cut off."""

import numbers

from aim_keras.documents import read_json

SCORES = {"auc": numbers.Real, "log_loss": numbers.Real}
TRAINED = {**SCORES, "parameters": int, "seconds": numbers.Real, "epochs": int}
RECORD = {"stage": str, **TRAINED, "interactions": dict, "units": dict}
METRICS = {"test": dict, "valid": dict, "parameters": int, "stages": list}
RECOVERED = {"recall": numbers.Real, "precision": numbers.Real, "functions": numbers.Real}


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
    check(content, METRICS, f"{path}")
    for name in ("test", "valid"):
        check(content[name], SCORES, f"{path}, {name}")
    if not content["stages"]:
        raise ValueError(f"{path}, stages: there must be one. Received: none")
    for number, stage in enumerate(content["stages"]):
        _check_record(stage, f"{path}, stages/{number}")
    planted = content.get("planted", {})
    check(planted, {}, f"{path}, planted")
    for order, scores in planted.items():
        check(scores, RECOVERED, f"{path}, planted/{order}")
        if scores.get("told_apart") is not None:
            check(scores, {"told_apart": numbers.Real}, f"{path}, planted/{order}")
    return content


def _check_record(content, place):
    check(content, RECORD, place)
    for name in ("interactions", "units"):
        check(content[name], dict.fromkeys(content[name], int), f"{place}, {name}")


def check(content, kinds, place):
    """Raises `ValueError` unless `content` is an object whose values are of these classes."""
    if not isinstance(content, dict):
        raise ValueError(f"{place} must be an object. Received: {content!r:.200}")
    for name, kind in kinds.items():
        value = content.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            described = "a number" if kind is numbers.Real else kind.__name__
            raise ValueError(f"{place}: {name} must be {described}. Received: {value!r:.200}")
