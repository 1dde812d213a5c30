"""Runs to draw, made without training: the content of every file is given."""

import dataclasses
import pathlib

from aim_keras import analysis
from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from experiments.reporting.collect import Gates, Run, Training

FIELDS = {"user": Field(1000), "<b>": Field(20), "hour & day": Field(24), "item": Field(300)}
FUNCTIONS = ("inner", "outer")
UNITS = {
    "inner": [("user", "item"), ("user", "<b>"), ("user", "<b>", "item")],
    "outer": [("user", "item"), ("user", "hour & day", "item")],
}
ALPHA = {"inner": [-0.3, 0.2, 0.1], "outer": [0.4, 0.25]}
FOUND = Architecture(tuple(FIELDS), FUNCTIONS, 3, UNITS, alpha=ALPHA)
STATISTICS = {("user", "item"): 0.8, ("user", "<b>"): 0.7, ("<b>", "item"): 0.6}
ANALYSIS = {
    "order": 2,
    "split": "valid",
    "functions": list(FUNCTIONS),
    "interactions": analysis.alpha_by_statistics(FOUND, STATISTICS),
    "alpha_rank_correlation": 0.5,
    "dimensions": [
        {"field": name, "importance": {"auc": 0.01234 * i, "log_loss": 0.1 * i}}
        for i, name in enumerate(FIELDS)
    ],
}
HISTORY = Gates(
    path="interaction_2/gate_alpha",
    steps=[0, 2, 4, 5],
    thresholds=[0.0, 0.3, 0.5, 0.7],
    values=[[0.6, 0.6, 0.6], [0.5, -0.4, 0.2], [0.4, -0.3, 0.0], [0.4, -0.3, 0.0]],
    units=[["outer", ["user", "item"]], ["inner", ["user", "item"]], ["inner", ["<b>", "item"]]],
)
CURVES = {
    "loss": {0: 0.6, 1: 0.5, 2: 0.4},
    "auc": {0: 0.7, 1: 0.8, 2: 0.75},
    "log_loss": {0: 0.5, 1: 0.4, 2: 0.45},
}


def record(stage, **values):
    return {
        "stage": stage,
        "auc": 0.81,
        "log_loss": 0.41,
        "parameters": 12_345,
        "seconds": 61.5,
        "epochs": 3,
        "interactions": {"2": 2, "3": 2},
        "units": {"2": 3, "3": 2},
        **values,
    }


RUN = Run(
    name="shop <1>",
    path=pathlib.Path("runs/shop <1>"),
    metrics={
        "test": {"auc": 0.7654321, "log_loss": 0.4321},
        "valid": {"auc": 0.79, "log_loss": 0.42},
        "parameters": 54_321,
        "stages": [record("search_interactions_2"), record("retrain")],
    },
    found=FOUND,
    searched={2: FOUND, 3: FOUND},
    analysis=ANALYSIS,
    trainings=[
        Training("search_interactions_2", CURVES, [HISTORY]),
        Training("retrain", CURVES, []),
    ],
    model="DeepFM",
    fields=FIELDS,
    sharing={"shared_embedding": False, "share_orders": False},
    dataset="shop/1.0.0",
    seed="7",
    configuration='NAME = "<script>alert(1)</script>"',
    bytes=2_500_000,
)
# A model without an architecture, such as LR.
PLAIN = dataclasses.replace(
    RUN,
    name="plain",
    metrics={**RUN.metrics, "stages": [record("retrain", interactions={}, units={})]},
    found=None,
    searched={},
    analysis=None,
    trainings=RUN.trainings[1:],
    model="LR",
)
