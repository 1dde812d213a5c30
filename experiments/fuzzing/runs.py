"""What a run and the preparation of data leave to be read again, and gin files, as targets."""

import functools
import io
import json
import pathlib
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from aim_keras.callbacks import Resume
from aim_keras.callbacks.gate_file import read_gate_history
from aim_keras.datasets import frappe, pipeline
from experiments import run_files
from experiments.fuzzing import documents, plain
from experiments.fuzzing.mutation import mutated, mutated_json, mutated_lines
from experiments.fuzzing.target import REFUSALS, Target
from experiments.plots import figure_8
from experiments.reporting import collect, run_page
from experiments.tabulating import records

SCORES = {"auc": 0.75, "log_loss": 0.5}
TIME = {"seconds": 1.5, "epochs": 2}
MODEL_SIZE = {"parameters": 7, "interactions": {"2": 1}, "units": {"2": 1}}
RECORD = {"stage": "retrain", **SCORES, **TIME, **MODEL_SIZE}
RECOVERED = {"recall": 1.0, "precision": 0.5, "functions": 0.5, "told_apart": None}
METRICS = {
    "test": SCORES,
    "valid": SCORES,
    "parameters": 7,
    "stages": [{**RECORD, "stage": "search_interactions_2"}, RECORD],
    "planted": {"2": RECOVERED},
}
SIZES = {"user": 3, "item": {"size": 4}, "é": 5}
MODEL = {"class_name": "FM", "config": {"vocabulary_sizes": SIZES}}
GATES = [
    {
        "every": 1,
        "gates": {"g": {"shape": [2], "units": [["inner", ["user", "item"]], ["outer", ["é"]]]}},
    },
    {"step": 0, "threshold": 0.0, "values": {"g": [0.6, 0.6]}},
    {"step": 1, "threshold": None, "values": {"g": [0.5, 0]}},
]
SIZE = {"dimension": 0, "importance": {"auc": 0.1, "log_loss": -0.2}}
ANALYSIS = {
    "order": 2,
    "split": "valid",
    "functions": ["inner", "outer"],
    "function_frequency": {"2": {"inner": 0.75, "outer": 0.25}},
    "interactions": [
        {
            "interaction": ["user", "item"],
            "statistics_auc": 0.8,
            "alpha": {"inner": 0.3, "outer": 1},
        },
        {"interaction": ["user", "é"], "statistics_auc": 0.5, "alpha": {}},
    ],
    "alpha_rank_correlation": -0.5,
    "dimensions": [
        {**SIZE, "field": "user", "vocabulary_size": 3},
        {**SIZE, "field": "item", "vocabulary_size": 4},
        {**SIZE, "field": "é", "vocabulary_size": 5},
    ],
    "dimension_rank_correlation": None,
}
STATE = {"epoch": 1, "stopped": False, "weights": "epoch_1.weights.h5", "seeds": []}
TABLE_RECORD = dict.fromkeys(records.KEYS, "x") | {
    "kind": "result",
    "dataset": {"name": "d/1", "id": "x"},
    "machine": {"processor": "x", "cores": 2, "memory_gb": 1.5},
    "test": SCORES,
    "valid": SCORES,
    **MODEL_SIZE,
    "embedding_parameters": 3,
    "inference_seconds": 0.5,
    "fields": 3,
    "stages": {"retrain": TIME},
}
SHARD = "frappe-train.tfrecord-00000"
_ARCHITECTURE = "architecture.json", json.dumps(documents.ARCHITECTURE.to_dict())


def targets() -> dict[str, Callable[[], Target]]:
    """What makes each target, by name."""
    gates = "stages/retrain/gates.jsonl"
    requested = "x.y = 1\n\n# Data: d/1\n# Seed: 0\n"
    record, table = json.dumps(RECORD), _lines([TABLE_RECORD] * 2)
    return {
        "run_metrics": partial(_run_target, "metrics.json", json.dumps(METRICS), mutated_json),
        "run_architecture": partial(_run_target, *_ARCHITECTURE, mutated_json),
        "run_analysis": _analysis_target,
        "run_gates": partial(_run_target, gates, _lines(GATES), mutated_lines),
        "run_requested": partial(_run_target, "requested.gin", requested, mutated),
        "run_model": partial(_run_target, "model.keras", _model(MODEL), mutated),
        "run_config": _config_target,
        "gates": partial(_lines_target, "gates.jsonl", _lines(GATES), read_gate_history),
        "records": partial(_lines_target, "records.jsonl", table, records.read),
        "record": partial(_lines_target, "metrics.json", record, run_files.record),
        "state": _state_target,
        "weights": _weights_target,
        "prepared_metadata": partial(_prepared_target, "metadata.json", mutated_json),
        "prepared_info": partial(_prepared_target, "dataset_info.json", mutated_json),
        "prepared_encoding": partial(_prepared_target, "encoding.json", mutated_json),
        "prepared_rows": partial(_prepared_target, SHARD, mutated),
    }


def _lines(objects):
    return "".join(json.dumps(content) + "\n" for content in objects)


def _model(content):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", content if isinstance(content, bytes) else json.dumps(content))
    return sink.getvalue()


def _read_with(folder, file, content):
    """The finished run in a folder, of which a file has another content."""
    write_finished(folder)
    (folder / file).write_bytes(content)
    return collect.read(folder)


def _run_target(file, content, mutate):
    seeds = (content if isinstance(content, bytes) else content.encode(),)

    def read(path):
        run = _read_with(path.parent / "run", file, path.read_bytes())
        assert [stage.name for stage in run.trainings] == [
            s["stage"] for s in run.metrics["stages"]
        ]

    return Target(file.rpartition("/")[2], seeds, read, lambda data: None, mutate)


def _analysis_target():
    """What is taken must be drawn, too."""

    def read(path):
        run = _read_with(path.parent / "run", path.name, path.read_bytes())
        assert run_page.html(run)
        assert figure_8(run.analysis)

    def expected(data):
        plain.json_of(data)

    return Target("analysis.json", (json.dumps(ANALYSIS).encode(),), read, expected, mutated_json)


def write_finished(folder):
    """A finished run, but for what needs TensorBoard or TensorFlow."""
    stages = [folder / "stages" / record["stage"] for record in METRICS["stages"]]
    for path, content in {
        folder / "metrics.json": json.dumps(METRICS),
        folder / "architecture.json": _ARCHITECTURE[1],
        folder / "requested.gin": "# Data: d/1\n# Seed: 0\n",
        folder / "config.gin": "x.y = 1\n",
        folder / "model.keras": _model(MODEL),
        **{stage / "architecture.json": _ARCHITECTURE[1] for stage in stages},
        **{stage / "gates.jsonl": _lines(GATES) for stage in stages},
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _config_target():
    def read(path):
        return _read_with(path.parent / "run", path.name, _model(path.read_bytes())).model

    def expected(data):
        return plain.json_of(data)["class_name"]

    return Target("model.keras", (json.dumps(MODEL).encode(),), read, expected, mutated_json)


def _lines_target(file, content, read):
    """Of a reader that gives what is in the file, or refuses it."""
    is_lines = file.endswith("l")

    def expected(data):
        lines = data.splitlines() if is_lines else [data]
        return repr([plain.json_of(line) for line in lines])

    def found(path):
        content = read(path)
        if isinstance(content, tuple):
            content = [content[0], *content[1]]
        return repr(content if isinstance(content, list) else [content])

    mutate = mutated_lines if is_lines else mutated_json
    return Target(file, (content.encode(),), found, expected, mutate)


@functools.cache
def _fitted():
    """A model that was trained for an epoch, and its weights."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((2, 2)), np.zeros((2, 1)), verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "x.weights.h5")
        model.save_weights(path)
        return model, path.read_bytes()


def _resume(folder, callbacks=()):
    resume = Resume(folder, callbacks)
    resume.set_model(_fitted()[0])
    resume.set_params({"epochs": 3})
    resume.on_train_begin()
    return resume.finished_epochs


def _state_target():
    content = {**STATE, "callbacks": [{"callback": "EarlyStopping", "best": 0.5, "wait": 1}]}
    content["callbacks"][0] |= {"best_epoch": 0, "stopped_epoch": 0}

    def read(path):
        weights = path.with_name(STATE["weights"])
        if not weights.exists():
            weights.write_bytes(_fitted()[1])
        return _resume(path.parent, [keras.callbacks.EarlyStopping()])

    def expected(data):
        return plain.json_of(data)["epoch"]

    seeds = (json.dumps(content).encode(),)
    return Target("state.json", seeds, read, expected, mutated_json, names_file=False)


def _weights_target():
    def read(path):
        path.with_name("state.json").write_text(json.dumps({**STATE, "callbacks": []}))
        return _resume(path.parent)

    return Target(STATE["weights"], (_fitted()[1],), read, lambda data: 1)


@functools.cache
def _prepared():
    """A small Frappe in a folder of its own, that lives as long as the process."""
    folder = tempfile.TemporaryDirectory()
    root = pathlib.Path(folder.name)
    header = "label," + ",".join(frappe.FIELDS) + "\n"
    for split, rows in {"train": 12, "valid": 4, "test": 4}.items():
        lines = [f"{i % 2},u{i % 3}" + ",x" * (len(frappe.FIELDS) - 1) + "\n" for i in range(rows)]
        (root / f"{split}.csv").write_text(header + "".join(lines))
    builder = frappe.builder(root, root / "data")
    builder.download_and_prepare()
    return folder, builder


def _prepared_target(file, mutate):
    folder, builder = _prepared()
    inside = pathlib.Path(builder.data_dir) / file
    content = inside.read_bytes()

    def read(path):
        inside.write_bytes(path.read_bytes())
        try:
            again = frappe.builder(None, pathlib.Path(folder.name) / "data")
            assert list(again.encoding.fields) == list(again.fields)
            if file == SHARD:
                return _rows(again)
        finally:
            inside.write_bytes(content)

    rows = _rows(builder) if file == SHARD else None
    errors = (*REFUSALS, tf.errors.OpError)
    return Target(
        file, (content,), read, lambda data: rows, mutate, errors=errors, names_file=False
    )


def _rows(builder):
    batches = pipeline.batches(builder, "train", 5)
    return [[part.numpy().tolist() for part in batch] for batch in batches]
