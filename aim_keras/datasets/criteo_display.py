"""Criteo display advertising: the Kaggle sample, or days of the 1 TB click logs."""

import os
import pathlib
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from tqdm.auto import tqdm

from aim_keras.datasets import raw, raw_files
from aim_keras.datasets.tabular import TEST, TabularBuilder, is_fraction, random_split

NUMERICAL = tuple(f"I{i}" for i in range(1, 14))
CATEGORICAL = tuple(f"C{i}" for i in range(1, 27))
KAGGLE_FILE = "train.txt"


class CriteoDisplay(TabularBuilder, skip_registration=True):
    """Criteo display advertising, 13 numerical fields I1..I13 and 26 categorical ones C1..C26."""

    KINDS: ClassVar = {
        **dict.fromkeys(NUMERICAL, "numerical"),
        **dict.fromkeys(CATEGORICAL, "categorical"),
    }
    SOURCE = (
        "https://ailab.criteo.com/ressources/ (day_N: 1 TB click logs; train.txt: Kaggle display "
        "advertising challenge)"
    )

    @classmethod
    def _find(cls, raw_dir, options):
        folder = pathlib.Path(raw_dir).expanduser()
        if options["source"] == "kaggle" or (
            options["source"] is None and raw_files.find_one(folder, KAGGLE_FILE)
        ):
            return raw_files.find(folder, [KAGGLE_FILE], cls.SOURCE)
        days = [*options["train_days"], *options["test_days"]]
        return raw_files.find(folder, [f"day_{day}" for day in days], cls.SOURCE)

    def _reader(self):
        columns = {
            "label": raw.LABEL,
            **dict.fromkeys(NUMERICAL, raw.INTEGER),
            **dict.fromkeys(CATEGORICAL),
        }
        options = self.builder_config.options
        return raw.Reader(columns, "\t", False, options["on_error"], options["seed"])

    def _holds_train(self, file):
        return file == KAGGLE_FILE or _day(file) not in self.builder_config.options["test_days"]

    def _split(self, file, chunk):
        options = self.builder_config.options
        if file == KAGGLE_FILE:
            return random_split(chunk.draws, options["valid_fraction"], options["test_fraction"])
        if self._holds_train(file):
            return random_split(chunk.draws, options["valid_fraction"])
        return np.full(len(chunk.draws), TEST)

    def _keep(self, file):
        """All lines but a share of the negatives, such that positives make up `positive_rate`."""
        if file not in self._surveys:
            return None
        rate = self.builder_config.options["positive_rate"]
        positives, rows = self._surveys[file]
        share = positives * (1 - rate) / rate / max(rows - positives, 1)

        def keep(lines, draws):
            negative = np.array([line.startswith(b"0\t") for line in lines], bool)
            return np.flatnonzero(~negative | (draws[:, 1] < share))

        return keep

    @property
    def _to_survey(self):
        if self.builder_config.options["positive_rate"] is None:
            return ()
        return [file for file in self.builder_config.files if file != KAGGLE_FILE]

    def _survey(self, file) -> tuple[int, int]:
        """Positive lines and all lines."""
        path = self.builder_config.files[file]
        size = path.stat().st_size
        positives, rows = 0, 0
        with tqdm(total=size, desc=f"labels of {file}", unit="B", unit_scale=True) as bar:
            for data, _ in raw_files.read_lines(path, bar.update):
                positives += data.startswith(b"1\t") + data.count(b"\n1\t")
                rows += data.count(b"\n")
        return positives, rows


def _day(file: str) -> int:
    return int(file.removeprefix("day_"))


def builder(
    raw_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    min_count: int = 20,
    bucket_count: int = 40,
    source: str | None = None,
    train_days: Sequence[int] = (6, 7, 8, 9, 10, 11, 12),
    test_days: Sequence[int] = (13,),
    positive_rate: float | None = 0.5,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
    on_error: str = "raise",
) -> CriteoDisplay:
    """TFDS builder of Criteo display advertising, to be prepared with `download_and_prepare()`.

    A line is a label, 13 integers and 26 categories, separated by tabs. Negatives that the
    down-sampling leaves out are not parsed, so not checked either.

    Args:
        raw_dir: folder with `train.txt` (Kaggle) or `day_N` files (1 TB logs), plain or .gz. None
            reopens a data set that was prepared with the same options.
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        min_count: int, a category seen less often in train is out of vocabulary. Defaults to 20,
            as the published data of the paper's authors have it.
        bucket_count: int, a bucket of a numerical field is full when it holds more train rows.
            Defaults to 40, as in their later processing of all days.
        source: "kaggle", "days" or None, which takes `train.txt` where there is one.
        train_days: sequence of int, days of the 1 TB logs. Defaults to the paper's 6-12. Days only.
        test_days: the same of test. Defaults to 13.
        positive_rate: float, each day's negatives are sampled down, before anything is counted, so
            that this share of its rows is positive; None keeps all. Defaults to the paper's 0.5.
            Days only.
        valid_fraction: float, share of the rows (days: of the train days' rows) for validation,
            drawn at random. Defaults to 0.1; the paper does not say.
        test_fraction: float, share of the rows for the test, drawn at random. Defaults to 0.1.
            `train.txt` only.
        seed: int, seed of the draws.
        on_error: "raise" or "skip": what a malformed line does.

    Raises:
        FileNotFoundError: lists the raw files that are missing.
        ValueError: for an option out of range.
    """
    options = {
        "min_count": min_count,
        "bucket_count": bucket_count,
        "source": source,
        "train_days": list(train_days),
        "test_days": list(test_days),
        "positive_rate": positive_rate,
        "valid_fraction": valid_fraction,
        "test_fraction": test_fraction,
        "seed": seed,
        "on_error": on_error,
    }
    days = options["train_days"] + options["test_days"]
    if not train_days or not test_days or len(set(days)) < len(days):
        raise ValueError(
            "train_days and test_days must be non-empty and have no day twice. "
            f"Received: train_days={train_days}, test_days={test_days}"
        )
    if source not in (None, "kaggle", "days"):
        raise ValueError(f"source must be 'kaggle', 'days' or None. Received: source={source!r}")
    if positive_rate is not None and not is_fraction(positive_rate):
        raise ValueError(
            f"positive_rate must be None or in (0, 1). Received: positive_rate={positive_rate!r}"
        )
    return CriteoDisplay.from_raw(raw_dir, data_dir, options)
