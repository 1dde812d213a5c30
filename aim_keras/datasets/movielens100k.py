"""MovieLens 100K (Harper and Konstan 2015): will a user rate a film above 3?"""

from aim_keras.datasets import raw
from aim_keras.datasets.blocks import SPLITS
from aim_keras.datasets.tabular import TabularBuilder

KINDS = {
    "user": "categorical",
    "item": "categorical",
    "age": "numerical",
    "gender": "categorical",
    "occupation": "categorical",
    "zip": "categorical",
    "release_year": "numerical",
    "genres": "categorical",
}


class MovieLens100K(TabularBuilder, skip_registration=True):
    """MovieLens 100K joined with its users and films, 8 fields.

    `genres` holds several values ("Comedy|Romance"): the whole string is one category here.
    `timestamp` is left out: a time of rating never comes again, so a served request would always
    fall into the last bucket, while under a random split narrow buckets tell sessions apart, which
    the other fields are meant to explain.
    """

    name = "movielens100k"
    KINDS = KINDS
    SOURCE = "https://grouplens.org/datasets/movielens/100k/ (joined as builder() describes)"

    @classmethod
    def _find(cls, raw_dir, options):
        return raw.find(raw_dir, [f"{split}.csv" for split in SPLITS], cls.SOURCE)

    def _reader(self):
        fields = {
            name: raw.INTEGER if kind == "numerical" else None for name, kind in KINDS.items()
        }
        columns = {"label": raw.LABEL, **fields, "timestamp": None}
        return raw.Reader(columns, on_error=self.builder_config.options["on_error"])


def builder(
    raw_dir=None, data_dir=None, min_count=1, bucket_count=40, on_error="raise"
) -> MovieLens100K:
    """TFDS builder of MovieLens 100K, to be prepared with `download_and_prepare()`.

    Args:
        raw_dir: folder with `train.csv`, `valid.csv` and `test.csv` (or `.csv.gz`): header
            `label,user,item,age,gender,occupation,zip,release_year,genres,timestamp`, label 1 for
            a rating above 3. None reopens a data set that was prepared with the same options.
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        min_count: int, a value seen less often in train is out of vocabulary. Defaults to 1.
        bucket_count: int, a bucket of ages or release years is full when it holds more train rows.
            Defaults to 40, AIM's processing.
        on_error: "raise" or "skip": what a malformed line does.

    Raises:
        FileNotFoundError: if a raw file is missing.
        ValueError: for an option out of range.
    """
    options = {"min_count": min_count, "bucket_count": bucket_count, "on_error": on_error}
    return MovieLens100K.from_raw(raw_dir, data_dir, options)
