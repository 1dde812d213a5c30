"""Avazu click-through rate prediction (Kaggle 2014): ten days of mobile ads."""

import datetime
import functools
import os
import re

import pyarrow as pa

from aim_keras.datasets import raw, raw_files
from aim_keras.datasets.tabular import TabularBuilder, random_split

SITE = (
    "banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,"
    "device_id,device_ip,device_model,device_type,device_conn_type"
)
FIELDS = ("C1", *SITE.split(","), *(f"C{i}" for i in range(14, 22)))
TIME_FIELDS = ("mday", "hour", "wday")


@functools.lru_cache(maxsize=1 << 16)
def _time(text: str) -> tuple[str, str, str] | None:
    """Day of the month, hour and day of the week (Monday is 0) of YYMMDDHH; None if it is none."""
    if not re.fullmatch("[0-9]{8}", text):
        return None
    try:
        time = datetime.datetime.strptime(text, "%y%m%d%H")
    except ValueError:
        return None
    return str(time.day), str(time.hour), str(time.weekday())


TIME = raw.Rule("must be a time as YYMMDDHH", _time)


class Avazu(TabularBuilder, skip_registration=True):
    """Avazu, 24 categorical fields: `id` is dropped, `hour` becomes mday, hour and wday."""

    KINDS = dict.fromkeys((*FIELDS, *TIME_FIELDS), "categorical")
    LABEL = "click"
    SOURCE = "https://www.kaggle.com/c/avazu-ctr-prediction/data"

    @classmethod
    def _find(cls, raw_dir, options):
        return raw_files.find(raw_dir, ["train"], cls.SOURCE)

    def _reader(self):
        columns = {"id": None, "click": raw.LABEL, "hour": TIME, **dict.fromkeys(FIELDS)}
        options = self.builder_config.options
        return raw.Reader(columns, on_error=options["on_error"], seed=options["seed"])

    def _holds_train(self, file):
        return True

    def _split(self, file, chunk):
        options = self.builder_config.options
        return random_split(chunk.draws, options["valid_fraction"], options["test_fraction"])

    def _columns(self, columns):
        hour = columns["hour"]
        times = pa.array(map(_time, hour.dictionary.to_pylist()), pa.list_(pa.string(), 3))
        parts = {
            name: times.flatten()[i::3].take(hour.indices).dictionary_encode()
            for i, name in enumerate(TIME_FIELDS)
        }
        return {**columns, **parts}


def builder(
    raw_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    min_count: int = 10,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.2,
    seed: int = 0,
    on_error: str = "raise",
) -> Avazu:
    """TFDS builder of Avazu, to be prepared with `download_and_prepare()`.

    Args:
        raw_dir: folder with Kaggle's `train` or `train.gz` (csv with header). None reopens a data
            set that was prepared with the same options.
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        min_count: int, a value seen less often in train is out of vocabulary. Defaults to 10: the
            paper's 6e5 features are only reached with 10.
        valid_fraction: float, share of the rows for validation. Defaults to 0.05; of the paper's
            0.8 for training and validation it says no more.
        test_fraction: float, share of the rows for the test. Defaults to the paper's 0.2, random.
        seed: int, seed of the random split.
        on_error: "raise" or "skip": what a malformed line does.

    Raises:
        FileNotFoundError: if the raw file is missing.
        ValueError: for an option out of range.
    """
    options = {
        "min_count": min_count,
        "valid_fraction": valid_fraction,
        "test_fraction": test_fraction,
        "seed": seed,
        "on_error": on_error,
    }
    return Avazu.from_raw(raw_dir, data_dir, options)
