"""Preparing raw rows, and reading prepared ones."""

import pathlib
import statistics
import tempfile
import time

import numpy as np

from aim_keras.datasets import criteo_display, planted
from aim_keras.datasets import pipeline as data
from experiments.benchmarks import ours
from experiments.benchmarks.timing import fitting, interleaved, medians

PREPARATIONS = 3  # at most: a long run each
PASSES = 10  # of reading, so that its start counts as little as in training
LEAST_VALUES = 6  # of a field of the generated data set


def input_versus_training(bench):
    """Rows a second of our shuffled input over those of FM's training, the fastest model."""
    with tempfile.TemporaryDirectory() as folder:
        batch = bench.shape.batch_size
        builder = planted.builder(
            folder,
            num_train=bench.rows,
            num_valid=batch,
            num_test=batch,
            vocabulary=[min(max(size, LEAST_VALUES), 1000) for size in bench.shape.sizes],
            units=[("inner", ("f0", "f1"))],
        )
        builder.download_and_prepare()
        stream = data.batches(builder, "train", batch, shuffle_seed=0, passes=PASSES)

        def read():
            started = time.perf_counter()
            steps = sum(1 for _ in stream)
            return 1000 * (time.perf_counter() - started) / steps

        train = fitting(ours.compiled(ours.fm(bench.shape)), bench.shape.batches(), bench.steps)
        of = medians(interleaved({"ours": read, "train": train}, bench.repetitions))
    return {
        "ratio": of["train"] / of["ours"],
        "ours_ms": of["ours"],
        "other_ms": {"train": of["train"]},
        "rows_per_s": 1000 * batch / of["ours"],
        "work": (0, 2 * 4 * batch * (len(bench.shape.sizes) + 1)),
    }


def preparation(bench):
    """Rows a second of preparing raw Criteo rows, from the text file to blocks of ids."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_raw_criteo(folder / "train.txt", bench.rows)
        times = []
        for i in range(min(bench.repetitions, PREPARATIONS)):
            builder = criteo_display.builder(folder, folder / f"data_{i}")
            started = time.perf_counter()
            builder.download_and_prepare()
            times.append(time.perf_counter() - started)
        seconds = statistics.median(times)
        rows = sum(data.rows(builder, split) for split in ("train", "valid", "test"))
        raw_bytes = (folder / "train.txt").stat().st_size
        written = 4 * rows * (len(builder.fields) + 1)
    if rows != bench.rows:
        raise ValueError(f"All {bench.rows} rows must be prepared. Received: {rows}")
    return {
        "ratio": rows / seconds,
        "ours_ms": 1000 * seconds,
        "other_ms": {},
        "rows": rows,
        "work": (0, 2 * raw_bytes + written),
    }


def write_raw_criteo(path, rows):
    """Raw Criteo rows: a label, 13 integers and 26 hexadecimal categories, a tenth empty."""
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 2, rows).astype(str)]
    for i in range(len(criteo_display.NUMERICAL)):
        numbers = np.floor(rng.lognormal(1 + 0.3 * i, 1.5, rows)).astype(int)
        columns.append(_some_empty(rng, numbers.astype(str)))
    for i in range(len(criteo_display.CATEGORICAL)):
        values = np.minimum(rng.zipf(1.2, rows), 10 ** (1 + i % 6))
        words = np.array([f"{value * 2654435761 % 2**32:08x}" for value in values.tolist()])
        columns.append(_some_empty(rng, words))
    with open(path, "w", encoding="utf-8") as file:
        for row in zip(*(column.tolist() for column in columns), strict=True):
            file.write("\t".join(row) + "\n")


def _some_empty(rng, words):
    return np.where(rng.random(len(words)) < 0.1, "", words)
