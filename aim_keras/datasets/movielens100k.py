"""MovieLens 100K (Harper and Konstan 2015): will a user rate a film above 3?"""

import os
from typing import ClassVar

from aim_keras.datasets import raw
from aim_keras.datasets.field_encodings import MultiCategorical
from aim_keras.datasets.tabular import TabularBuilder

NUMERICAL = {"buckets": "numerical", "dense": "dense"}
MAX_GENRES = 6  # of a film of the data set


class MovieLens100K(TabularBuilder, skip_registration=True):
    """MovieLens 100K joined with its users and films, 8 fields.

    `genres` ("Comedy|Romance") is a multi-valued field, the other ones are single ids, or, as an
    option has it, numbers. `timestamp` is left out: a time of rating never comes again, so a served
    request would always fall into the last bucket, while under a random split narrow buckets tell
    sessions apart, which the other fields are meant to explain.
    """

    name = "movielens100k"
    KINDS: ClassVar = {
        "user": "categorical",
        "item": "categorical",
        "age": "numerical",
        "gender": "categorical",
        "occupation": "categorical",
        "zip": "categorical",
        "release_year": "numerical",
        "genres": MultiCategorical(max_length=MAX_GENRES),
    }
    SOURCE = "https://grouplens.org/datasets/movielens/100k/ (joined as builder() describes)"

    @property
    def _kinds(self):
        options = self.builder_config.options
        numerical = NUMERICAL[options["numerical"]]
        genres = MultiCategorical(max_length=MAX_GENRES, combiner=options["combiner"])
        return self.KINDS | {"age": numerical, "release_year": numerical, "genres": genres}

    def _reader(self):
        fields = {
            name: raw.INTEGER if kind == "numerical" else None for name, kind in self.KINDS.items()
        }
        columns = {"label": raw.LABEL, **fields, "timestamp": None}
        return raw.Reader(columns, on_error=self.builder_config.options["on_error"])


def builder(
    raw_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    min_count: int = 1,
    bucket_count: int = 40,
    numerical: str = "buckets",
    combiner: str = "mean",
    on_error: str = "raise",
) -> MovieLens100K:
    """TFDS builder of MovieLens 100K, to be prepared with `download_and_prepare()`.

    Args:
        raw_dir: folder with `train.csv`, `valid.csv` and `test.csv` (or `.csv.gz`): header
            `label,user,item,age,gender,occupation,zip,release_year,genres,timestamp`, label 1 for
            a rating above 3. None reopens a data set that was prepared with the same options.
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        min_count: int, a value seen less often in train is out of vocabulary. Defaults to 1.
        bucket_count: int, a bucket of ages or release years is full when it holds more train rows.
            Defaults to 40, as of Criteo.
        numerical: "buckets" or "dense": whether ages and release years are ids of buckets or
            standardised numbers. Defaults to "buckets".
        combiner: "sum", "mean" or "sqrtn", how a model pools the genres. Defaults to "mean".
        on_error: "raise" or "skip": what a malformed line does.

    Raises:
        FileNotFoundError: if a raw file is missing.
        ValueError: for an option out of range.
    """
    if numerical not in NUMERICAL:
        raise ValueError(
            f"numerical must be one of {tuple(NUMERICAL)}. Received: numerical={numerical!r}"
        )
    MultiCategorical(combiner=combiner)  # raises for one there is not
    options = {
        "min_count": min_count,
        "bucket_count": bucket_count,
        "numerical": numerical,
        "combiner": combiner,
        "on_error": on_error,
    }
    return MovieLens100K.from_raw(raw_dir, data_dir, options)
