"""A user's own data: CSV or Parquet files, with a schema that is inferred, or given."""

import functools
import hashlib
import math
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from aim_keras.datasets import own_files, own_schema, raw_files, tables
from aim_keras.datasets.blocks import SPLITS
from aim_keras.datasets.config import Config
from aim_keras.datasets.encoding import Encoding, each_value, encoding_path
from aim_keras.datasets.own_files import ALL, part_of
from aim_keras.datasets.schema import NULLS, NUMBERS, Schema
from aim_keras.datasets.tabular import (
    LEFT_OUT,
    TEST,
    TRAIN,
    VALID,
    TabularBuilder,
    check_options,
    is_fraction,
)
from aim_keras.datasets.tabular import random_split as draw_split

HOW = ("random", "ordered")


class OwnData(TabularBuilder, skip_registration=True):
    """A user's own files.

    Args:
        encoding_path: path of the encoding of earlier rows, or None to learn one from train.
    """

    def __init__(self, encoding_path: pathlib.Path | None = None, **kwargs):
        super().__init__(**kwargs)
        self._encoding_path = encoding_path

    def _found_encoding(self):
        if self._encoding_path is None:
            return super()._found_encoding()
        found = Encoding.load(self._encoding_path)
        given, wanted = (list(kinds.items()) for kinds in (found.kinds, self._kinds))
        if given != wanted:
            raise ValueError(
                f"The schema must have the fields of {self._encoding_path}, in order and of their "
                f"kinds: give that of the earlier rows. Received: {wanted} for {given}"
            )
        return found

    def _write_by_beam(self, download_config):
        if self._encoding_path is not None:
            raise ValueError(
                "Apache Beam learns an encoding of its own, so none can be given. "
                f"Received: encoding={self._encoding_path}"
            )
        return super()._write_by_beam(download_config)

    @functools.cached_property
    def schema(self) -> Schema:
        """What the columns hold."""
        return Schema.from_json(self.builder_config.options["schema"])

    @property
    def _kinds(self):
        return self.schema.kinds

    def _reader(self):
        schema, options = self.schema, self.builder_config.options
        return tables.TableReader(
            schema.rules,
            schema.separator,
            None if schema.header else list(schema.columns),
            own_files.partitions_of(self.builder_config.files),
            schema.list_separators,
            options["on_error"],
            options["seed"],
            schema.quoted,
        )

    @property
    def splits(self):
        parts = set(map(part_of, self.builder_config.files))
        return SPLITS if ALL in parts else tuple(split for split in SPLITS if split in parts)

    @property
    def has_sample_weights(self):
        return self.schema.weight is not None

    @property
    def logit_shift(self):
        return math.log(self.builder_config.options["negative_rate"])

    def _split(self, file, chunk):
        split = self._place(file, chunk)
        rate = self.builder_config.options["negative_rate"]
        if rate < 1:
            is_negative = self._labels(chunk.columns) == 0
            left_out = (split == TRAIN) & is_negative & (chunk.draws[:, 1] >= rate)
            split = np.where(left_out, LEFT_OUT, split)
        return split

    def _place(self, file, chunk):
        """The split of each row before negatives are sampled down."""
        part, options = part_of(file), self.builder_config.options
        if part != ALL:
            return np.full(len(chunk.draws), SPLITS.index(part), np.int8)
        shares = options["valid_fraction"], options["test_fraction"]
        if options["split"] == "random":
            return draw_split(chunk.draws, *shares)
        starts, rows = self._starts
        valid, test = (round(rows * share) for share in shares)
        place = starts[file] + chunk.numbers
        return np.where(
            place < rows - test - valid, TRAIN, np.where(place < rows - test, VALID, TEST)
        )

    @functools.cached_property
    def _starts(self) -> tuple[dict[str, int], int]:
        """What to add to a row's number in each file for its place among all, and all rows."""
        starts, rows = {}, 0
        for file, path in self.builder_config.files.items():
            starts[file] = rows - tables.first_number(path, self.schema.header)
            rows += self._surveys[file]
        return starts, rows

    @property
    def _to_survey(self):
        options = self.builder_config.options
        return self.builder_config.files if options.get("split") == "ordered" else ()

    def _survey(self, file) -> int:
        """The rows of a file."""
        return tables.count_rows(self.builder_config.files[file], self.schema.header)

    def _holds_train(self, file):
        return own_files.may_be_train(file)

    def _told_as(self, file):
        return file.partition("/")[2]  # files of `day=1/` and `day=2/` may be of one name

    def _columns(self, columns):
        found = {}
        for field, name in self.schema.field_columns.items():
            is_number = self.schema.columns[name]["kind"] in NUMBERS
            found[field] = _without_nulls(columns[name]) if is_number else columns[name]
        return found

    def _labels(self, columns):
        positive = self.schema.positive

        def label(values):
            return np.array([value in positive for value in values], np.float32)

        return each_value(label, columns[self.schema.label])

    def _sample_weights(self, columns):
        if not self.has_sample_weights:
            return None
        return each_value(_floats, columns[self.schema.weight])


def builder(
    paths: str | os.PathLike | Sequence[str | os.PathLike],
    valid_paths: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    test_paths: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    schema: str | os.PathLike | None = None,
    label: str | None = None,
    positive: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    separator: str | None = None,
    raw_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    split: str = "random",
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    min_count: int = 2,
    bucket_count: int = 40,
    max_buckets: int = 100,
    negative_rate: float = 1.0,
    seed: int = 0,
    on_error: str = "raise",
    encoding: str | os.PathLike | None = None,
) -> OwnData:
    """TFDS builder of a user's own files, to be prepared with `download_and_prepare()`.

    A file is CSV (`.csv`, `.tsv`, `.txt`, plain, `.gz` or `.zst`) or Parquet (`.parquet`, `.pq`);
    folders named `day=3`, below those that are given, make a column `day` (`own_files.partitions`);
    a line that has no character is left out. All are streamed: memory grows with distinct values,
    not with rows.

    Args:
        paths: path, or sequence of paths, of files, of folders of such files, or patterns such as
            `"day_*.csv"`, whose files are taken by name, numbers by their value: of all rows, or,
            with `valid_paths`, of those of train.
        valid_paths, test_paths: the same, of the other splits; None splits the rows of `paths`, or
            with `valid_paths` leaves out the test.
        schema: path of a schema (`Schema`), from the working directory. One that does not exist is
            inferred from about 100,000 rows (`inference.infer`), printed and written there.
            Defaults to a file in `data_dir/schemas`, named after the raw files.
        label: name of the label's column, where the schema is inferred. None finds it.
        positive: values of the label that are clicks, such as `["4", "5"]` of ratings, where the
            schema is inferred. None takes 1, true and yes.
        columns: names of the columns of text files without a header, where the schema is inferred.
        separator: str between the cells of text files, where the schema is inferred. None finds it.
        raw_dir: folder that relative paths of files start from. Defaults to the working directory.
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        split: "random" draws the split of each row from its file's name, its line number and
            `seed`; "ordered" takes the last rows for the test, and those before for validation.
        valid_fraction, test_fraction: float, shares of the rows. Default to 0.1. Not with paths for
            each split.
        min_count: int, a category seen less often in train is out of vocabulary. Defaults to 2.
        bucket_count: int, a bucket of a number is full when it holds more train rows than this.
            Defaults to 40.
        max_buckets: int, the most buckets of a number. Defaults to 100.
        negative_rate: float in (0, 1], share of the negative rows of train that is kept, drawn at
            random; valid and test keep all. `logit_shift` is its logarithm, which added to the
            logits of a model of these rows makes them those of all: `p / (p + (1 - p) / rate)` of
            a probability `p`. Defaults to 1, all.
        seed: int, seed of the draws.
        on_error: "raise" or "skip": what a malformed line does.
        encoding: path of the `encoding.json` of earlier rows, or of the folder of their run: values
            get the ids that they had there, new ones are out of vocabulary, and `min_count`,
            `bucket_count` and `max_buckets` are not used. None learns one from train.

    Raises:
        FileNotFoundError: if a path leads to no file.
        ValueError: for an option out of range, and of what a schema or a file must not have.

    References: He et al., Practical Lessons from Predicting Clicks on Ads at Facebook, ADKDD 2014,
    section 6.3, for the correction of negative down-sampling.
    """
    if split not in HOW:
        raise ValueError(f"split must be one of {HOW}. Received: split={split!r}")
    if negative_rate is True or not (negative_rate == 1 or is_fraction(negative_rate)):
        raise ValueError(
            f"negative_rate must be in (0, 1]. Received: negative_rate={negative_rate!r}"
        )
    files = own_files.find(paths, valid_paths, test_paths, raw_dir)
    shares = {"valid_fraction": valid_fraction, "test_fraction": test_fraction, "split": split}
    options = {
        "data": raw_files.unpacked_name(pathlib.Path(next(iter(files))).name).partition(".")[0],
        "files": list(files),
        **(shares if valid_paths is None else {}),
        "min_count": min_count,
        "bucket_count": bucket_count,
        "max_buckets": max_buckets,
        "negative_rate": negative_rate,
        "seed": seed,
        "on_error": on_error,
    }
    check_options(options)
    asked = {"label": label, "positive": positive, "names": columns, "separator": separator}
    found = own_schema.found(schema, data_dir, options["data"], files, asked, on_error)
    options["schema"] = found.to_json()
    path = None
    if encoding is not None:
        path = encoding_path(encoding)
        options["encoding"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return OwnData(path, config=Config.of(options, files), data_dir=data_dir)


def _floats(texts: list[str]) -> np.ndarray:
    return np.array([float(text) for text in texts], np.float32)


def _without_nulls(column: pa.DictionaryArray) -> pa.DictionaryArray:
    values = ["" if value in NULLS else value for value in column.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(column.indices, pa.array(values, pa.string()))
