"""Frappe: which app a user used, in which context (Baltrunas et al. 2015, arXiv:1505.03014)."""

import os

from aim_keras.datasets import raw
from aim_keras.datasets.tabular import TabularBuilder

FIELDS = (
    "user",
    "item",
    "daytime",
    "weekday",
    "isweekend",
    "homework",
    "cost",
    "weather",
    "country",
    "city",
)


class Frappe(TabularBuilder, skip_registration=True):
    """Frappe, 10 categorical fields, split 7:2:1 into train, valid and test by its publishers."""

    KINDS = dict.fromkeys(FIELDS, "categorical")
    SOURCE = "https://www.baltrunas.info/context-aware (split: github.com/reczoo/BARS, Frappe_x1)"

    def _reader(self):
        columns = {"label": raw.LABEL, **dict.fromkeys(FIELDS)}
        return raw.Reader(columns, on_error=self.builder_config.options["on_error"])


def builder(
    raw_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    min_count: int = 1,
    on_error: str = "raise",
) -> Frappe:
    """TFDS builder of Frappe, to be prepared with `download_and_prepare()`.

    Args:
        raw_dir: folder with `train.csv`, `valid.csv` and `test.csv` (or `.csv.gz`): header
            `label,user,item,daytime,weekday,isweekend,homework,cost,weather,country,city`, raw
            values. None reopens a data set that was prepared with the same options.
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        min_count: int, a value seen less often in train is out of vocabulary. Defaults to 1, as in
            the published benchmark.
        on_error: "raise" or "skip": what a malformed line does.

    Raises:
        FileNotFoundError: if a raw file is missing.
        ValueError: for an option out of range.
    """
    return Frappe.from_raw(raw_dir, data_dir, {"min_count": min_count, "on_error": on_error})
