"""Inference, latency of the exported model, and its bytes on disk and in memory."""

import dataclasses
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from aim_keras import Architecture
from aim_keras.export import export_saved_model
from experiments import folders
from experiments.benchmarks import child, limits, ours
from experiments.benchmarks.timing import calling, interleaved, medians

KEPT = 0.16  # of the pairs (Avazu, second order)
CANDIDATES = 500
REQUESTS = 100  # times the repetitions


def inference_versus_deepfm(bench, with_mlp):
    """The time of AIM's re-trained model, with or without its MLP, over that of DeepFM.

    Both are called on batches as `tf.function`s. A third of AIM's dimensions are kept; `ratios`
    also has the ratio with all of them.
    """
    build = ours.aim_retrained if with_mlp else ours.aim_fm_only
    models = {
        "ours": build(bench.shape, KEPT),
        "all_dimensions": build(bench.shape, KEPT, 1),
        "deepfm": ours.deepfm(bench.shape),
    }
    ids, _ = bench.shape.batches()
    batches = [tf.constant(batch) for batch in ids]
    sides = {name: calling(_predict(model), batches, bench.steps) for name, model in models.items()}
    of = medians(interleaved(sides, bench.repetitions))
    return {
        "ratio": of["ours"] / of["deepfm"],
        "ours_ms": of["ours"],
        "other_ms": {name: of[name] for name in ("deepfm", "all_dimensions")},
        "ratios": {"all_dimensions": of["all_dimensions"] / of["deepfm"]},
        "rows_per_s": {name: 1000 * bench.shape.batch_size / ms for name, ms in of.items()},
        "parameters": {name: model.count_params() for name, model in models.items()},
        "work": _work(bench.shape, models["ours"]),
    }


def _work(shape, model):
    """What AIM's inference cannot do without, from what its layers store."""
    embedding = model.get_layer("embedding_2")
    mlp = [layer for layer in model.layers if layer.name == "mlp"]
    row_width = embedding.count_params() / sum(shape.sizes)
    widths = (mlp[0].input.shape[1], *shape.hidden_units) if mlp else ()
    ids, _ = shape.batches()
    return limits.work(shape, ids, row_width, widths, training=False)


def _predict(model):
    return tf.function(lambda ids: model(ids, training=False))


def latency(bench):
    """Milliseconds of one request of 500 candidates to the exported model, on one thread."""
    model = ours.aim_fm_only(bench.shape, KEPT)
    with tempfile.TemporaryDirectory() as folder:
        exported = _exported(model, bench.shape, folder)
        served = _served(exported, bench.shape, REQUESTS * bench.repetitions)
        disk = folders.size(exported)
    return {
        "ratio": served["p99_ms"],
        "ours_ms": served["p50_ms"],
        "other_ms": {},
        "parameters": model.count_params(),
        "disk_bytes": disk,
        **served,
    }


def size_versus_parameters(bench, of):
    """The share of bytes that pruned dimensions leave, over their share of parameters.

    Args:
        bench: `registry.Bench`.
        of: `"disk"` for the bytes of the exported model, `"memory"` for those that a process holds
            more once it has loaded and called it, above those of the same model of a few ids.
    """
    rng = np.random.default_rng(0)
    fields, dim = list(bench.shape.vocabulary_sizes), bench.shape.embedding_dim
    full = Architecture.full(fields, ["inner"], dim)
    positions = {field: _some(rng, dim) for field in fields}
    cut = Architecture(fields, ["inner"], dim, full.interactions, {2: {"inner": positions}})
    sizes = {}
    for name, architecture in (("full", full), ("cut", cut)):
        size, parameters = _size(bench.shape, architecture, of)
        if of == "memory":
            size -= _size(bench.shape.small(), architecture, of)[0]
        sizes[name] = size, parameters
    (full_bytes, full_count), (cut_bytes, cut_count) = sizes["full"], sizes["cut"]
    return {
        "ratio": (cut_bytes / full_bytes) / (cut_count / full_count),
        "ours_ms": None,
        "other_ms": {},
        "bytes": {"full": full_bytes, "cut": cut_bytes},
        "parameters": {"full": full_count, "cut": cut_count},
    }


def _size(shape, architecture, of):
    """The bytes of an exported FM, and its number of parameters."""
    model = ours.fm(shape, architecture=architecture, gated=False)
    with tempfile.TemporaryDirectory() as folder:
        exported = _exported(model, shape, folder)
        if of == "disk":
            return folders.size(exported), model.count_params()
        return _served(exported, shape, 1)["resident_bytes"], model.count_params()


def _served(exported, shape, number):
    """What `latency`, a process of its own, measures of an exported model."""
    requests = dataclasses.replace(shape, batch_size=CANDIDATES).batches()[0]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "requests.npy"
        np.save(path, requests)
        module, what = "experiments.benchmarks.latency", "Serving the exported model"
        return child.answer(module, exported, path, number, what=what)


def _some(rng, dim):
    kept = rng.binomial(dim, ours.KEPT_DIMENSIONS)
    return sorted(rng.choice(dim, max(1, kept), replace=False).tolist())


def _exported(model, shape, folder):
    features = shape.batches(1)[0][0]
    path = pathlib.Path(folder) / "saved_model" / "1"
    return export_saved_model(model, shape.vocabulary_sizes, path, features)
