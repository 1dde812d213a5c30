"""Inference, latency of the exported model, and its bytes on disk."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

from aim_keras import Architecture
from aim_keras.export import export_saved_model
from experiments.benchmarks import ours
from experiments.benchmarks.timing import calling, interleaved, medians

KEPT = 0.16  # of the pairs (Avazu, second order)
CANDIDATES = 500
REQUESTS = 100  # times the repetitions
KEPT_DIMENSIONS = 1 / 3


def inference_versus_deepfm(bench, with_mlp):
    """The time of AIM's re-trained model, with or without its MLP, over that of DeepFM.

    Both are called on batches as `tf.function`s.
    """
    aim = (ours.aim_retrained if with_mlp else ours.aim_fm_only)(bench.shape, KEPT)
    batches = [tf.constant(batch) for batch in bench.shape.batches()[0]]
    sides = {
        name: calling(_predict(model), batches, bench.steps)
        for name, model in (("ours", aim), ("deepfm", ours.deepfm(bench.shape)))
    }
    of = medians(interleaved(sides, bench.repetitions))
    return {
        "ratio": of["ours"] / of["deepfm"],
        "ours_ms": of["ours"],
        "other_ms": {"deepfm": of["deepfm"]},
        "rows_per_s": 1000 * bench.shape.batch_size / of["ours"],
    }


def _predict(model):
    return tf.function(lambda ids: model(ids, training=False))


def latency(bench):
    """Milliseconds of one request of 500 candidates to the exported model, on one thread."""
    model = ours.aim_fm_only(bench.shape, KEPT)
    with tempfile.TemporaryDirectory() as folder:
        exported = _exported(model, bench.shape, folder)
        requests = dataclasses.replace(bench.shape, batch_size=CANDIDATES).batches()[0]
        np.save(pathlib.Path(folder) / "requests.npy", requests)
        command = [sys.executable, "-m", "experiments.benchmarks.latency", str(exported)]
        command += [f"{folder}/requests.npy", str(REQUESTS * bench.repetitions)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise OSError(f"The exported model could not be called: {result.stderr[-500:]}")
    percentiles = json.loads(result.stdout.splitlines()[-1])
    return {
        "ratio": percentiles["p99_ms"],
        "ours_ms": percentiles["p50_ms"],
        "other_ms": {},
        **percentiles,
    }


def disk_versus_parameters(bench):
    """The share of bytes on disk that pruned dimensions leave, over their share of parameters."""
    rng = np.random.default_rng(0)
    fields, dim = list(bench.shape.vocabulary_sizes), bench.shape.embedding_dim
    full = Architecture.full(fields, ["inner"], dim)
    positions = {field: _some(rng, dim) for field in fields}
    cut = Architecture(fields, ["inner"], dim, full.interactions, {2: {"inner": positions}})
    sizes = {}
    for name, architecture in (("full", full), ("cut", cut)):
        model = ours.fm(bench.shape, architecture=architecture, gated=False)
        with tempfile.TemporaryDirectory() as folder:
            exported = _exported(model, bench.shape, folder)
            files = [path for path in exported.rglob("*") if path.is_file()]
            sizes[name] = sum(path.stat().st_size for path in files), model.count_params()
    (full_bytes, full_count), (cut_bytes, cut_count) = sizes["full"], sizes["cut"]
    return {
        "ratio": (cut_bytes / full_bytes) / (cut_count / full_count),
        "ours_ms": None,
        "other_ms": {},
        "bytes": {"full": full_bytes, "cut": cut_bytes},
        "parameters": {"full": full_count, "cut": cut_count},
    }


def _some(rng, dim):
    kept = rng.binomial(dim, KEPT_DIMENSIONS)
    return sorted(rng.choice(dim, max(1, kept), replace=False).tolist())


def _exported(model, shape, folder):
    features = shape.batches(1)[0][0]
    path = pathlib.Path(folder) / "saved_model" / "1"
    return export_saved_model(model, shape.vocabulary_sizes, path, features)
