"""What layers and models give on the backend that runs.

`python -m tests.on_any_backend FOLDER` writes it for `backends_test.py`, which compares.
"""

import pathlib
import sys

import keras
import numpy as np
from keras import ops

from aim_keras import Architecture, read_gates
from aim_keras.callbacks import (
    AveragedWeights,
    GateHistory,
    GateSteps,
    RankMetrics,
    SearchState,
)
from aim_keras.fields import Field
from aim_keras.metrics import BinnedAUC
from aim_keras.models import FM, IPNN, AutoGroup, DeepFM
from aim_keras.optimizers import GRDA, LazyAdam, with_gates
from tests.layers.layers_table import LAYERS, each, is_random, randomize
from tests.models import models_table
from tests.models.models_table import BASELINES, new_baseline, randomized

FIELDS = {
    "a": 8,
    "b": Field(6, 3, combiner="mean"),
    "c": Field(4, 2, True, "sqrtn"),
    "d": Field(1, weighted=True),
}
RNG = np.random.default_rng(0)
ROWS = 64
B, C = RNG.integers(-1, 6, (ROWS, 3)), RNG.integers(-1, 4, (ROWS, 2))
IDS = np.column_stack([RNG.integers(0, 8, ROWS), B, C, np.zeros(ROWS)]).astype("int32")
WEIGHTS = RNG.uniform(0.5, 2, (ROWS, 3)).astype("float32")
LABELS = RNG.integers(0, 2, (ROWS, 1)).astype("float32")
FOUND = Architecture(
    tuple(FIELDS),
    ("inner", "outer"),
    4,
    {"inner": [("a", "b"), ("a", "b", "c")], "outer": [("a", "b")]},
    {2: {k: {"a": (0, 2), "b": (0, 1, 2), "c": (), "d": (1, 3)} for k in ("inner", "outer")}},
)


def gated(weights):
    return with_gates(weights, GRDA(0.1, mu=0.6, target_threshold=0.5, total_steps=16))


MODELS = {
    "fm": (
        FM,
        {"search": "interactions", "functions": ("inner", "outer")},
        lambda: gated(keras.optimizers.Adam(0.01)),
    ),
    "deepfm": (
        DeepFM,
        {"search": "dimensions", "hidden_units": (8,)},
        lambda: gated(LazyAdam(0.01, weight_decay=0.1)),
    ),
    "ipnn": (IPNN, {"architecture": FOUND, "hidden_units": (8,)}, lambda: LazyAdam(0.01)),
}
RUN_EAGERLY = keras.backend.backend() == "tensorflow"  # to trace these graphs takes longer


class Shift(keras.layers.Layer):
    """Adds a weight to each example, whose gradient is that of the examples."""

    def build(self, shape):
        self.shift = self.add_weight(shape[1:], "zeros")

    def call(self, inputs):
        return inputs + self.shift


def weighted_sum(weights, outputs):
    return ops.sum(weights * outputs, axis=-1)


def layer_results():
    """`{layer: arrays}`: its outputs at inference, and what a step of training adds to its weights
    and inputs: their gradients, and the moving averages' changes. Random numbers differ by backend,
    so of a layer that draws some there are the outputs alone.

    All layers are one model, as JAX takes long to compile many.
    """
    models = {name: layer_model(*case) for name, case in LAYERS.items()}
    inputs, outputs = (
        keras.tree.flatten([getattr(model, part) for model in models.values()])
        for part in ("inputs", "outputs")
    )
    x = keras.tree.flatten([case[-1] for case in LAYERS.values()])
    model = keras.Model(inputs, outputs)
    losses = [weighted_sum] * len(outputs)
    model.compile(keras.optimizers.SGD(1.0), losses, run_eagerly=RUN_EAGERLY)
    values = model.predict_on_batch(x)
    before = {name: model.get_weights() for name, model in models.items()}
    rng = np.random.default_rng(2)
    model.train_on_batch(x, [rng.normal(size=y.shape) for y in values])
    values = iter(values)
    results = {name: [next(values) for _ in model.outputs] for name, model in models.items()}
    for name, model in models.items():
        if not any(map(is_random, model.layers)):
            after = model.get_weights()
            results[name] += [b - a for a, b in zip(before[name], after, strict=True)]
    return results


def baseline_logits():
    """The logits of each model without gates, at inference."""
    rows = [models_table.COLUMNS, models_table.WEIGHTS]
    return {
        name: randomized(new_baseline(name, models_table.KINDS)).predict_on_batch(rows)
        for name in BASELINES
    }


def binned_auc():
    """The metric's result and bound of weighted rows, and what it counted."""
    metric = BinnedAUC(from_logits=True, num_bins=1000)
    metric.update_state(LABELS, 3 * WEIGHTS[:, :1] + LABELS - 4, np.arange(ROWS))
    return [metric.result(), metric.error_bound(), *metric.variables]


def layer_model(cls, arguments, options, x):
    inputs = each(lambda part: keras.Input(part.shape[1:], dtype=part.dtype.name), x)
    shifted = each(lambda part: Shift()(part) if "float" in part.dtype else part, inputs)
    outputs = cls(*arguments, **options)(shifted)
    return randomize(keras.Model(inputs, outputs))


def new_model(name):
    cls, arguments, optimizer = MODELS[name]
    # A regularizer makes the tables' gradients dense: of sparse ones, which TensorFlow has, Keras's
    # Adam adds up the squares of a row's parts, not their square.
    model = cls(FIELDS, embedding_dim=4, embedding_regularizer="l2", **arguments)
    randomize(model)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, run_eagerly=RUN_EAGERLY)
    return model


def trained(model, *callbacks):
    model.fit(
        [IDS, WEIGHTS], LABELS, batch_size=8, shuffle=False, verbose=0, callbacks=list(callbacks)
    )
    return model


def observed(name, folder):
    """That model after an epoch, of whose gates each step is written: `NAME.jsonl`, and events."""
    callbacks = [GateHistory(folder / f"{name}.jsonl"), SearchState(folder / name, every=1)]
    return trained(new_model(name), *callbacks)


def averaged():
    """A model that ends with its averages, of which a callback predicted after each epoch."""
    model = new_model("fm")
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), model.loss, run_eagerly=RUN_EAGERLY)
    rows = [((IDS, WEIGHTS), LABELS)]
    return trained(trained(model, AveragedWeights(rows, [RankMetrics(rows)])))


def groups():
    """The groups of a search whose gates are all open."""
    sizes = {"a": 3, "b": 4}
    model = AutoGroup(sizes, search="groups", num_groups=(1, 1), embedding_dims=(2, 2))
    return randomize(model).read_groups()


def message_of_gate_steps():
    """What is said where their callback has no TensorFlow."""
    try:
        trained(new_model("fm"), GateSteps([]))
    except (RuntimeError, ValueError) as error:
        return str(error)


def save_all(folder):
    """`layers.npz`, `baselines.npz` and `auc.npz`; of each gated model `NAME.keras` after an epoch,
    of FM its gates at each step, `fm.jsonl`; after another one the weights, `NAME.npz`, and the
    gates, `NAME.json`. `averaged.npz`, `groups.json` and `gate_steps.txt` of those functions."""
    results = layer_results().items()
    arrays = {f"{name}/{i}": array for name, part in results for i, array in enumerate(part)}
    np.savez(folder / "layers.npz", **arrays)
    np.savez(folder / "baselines.npz", **baseline_logits())
    np.savez(folder / "auc.npz", *map(ops.convert_to_numpy, binned_auc()))
    np.savez(folder / "averaged.npz", *averaged().get_weights())
    groups().save(folder / "groups.json")
    (folder / "gate_steps.txt").write_text(message_of_gate_steps())
    for name in MODELS:
        model = observed(name, folder) if name == "fm" else trained(new_model(name))
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", *trained(model).get_weights())
        read_gates(model).save(folder / f"{name}.json")


if __name__ == "__main__":
    save_all(pathlib.Path(sys.argv[1]))
