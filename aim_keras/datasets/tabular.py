"""From raw text files to a prepared data set, in two streamed passes: count, then encode."""

import collections
import json
import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import tensorflow_datasets as tfds
from tqdm.auto import tqdm

from aim_keras.arguments import checked_integer
from aim_keras.datasets import encoding, raw, raw_files
from aim_keras.datasets.blocks import METADATA_FILE, SPLITS, BlockBuilder
from aim_keras.datasets.config import Config
from aim_keras.datasets.counts import Counts
from aim_keras.documents import read_json

TRAIN, VALID, TEST = range(len(SPLITS))
LEFT_OUT = len(SPLITS)


class TabularBuilder(BlockBuilder, skip_registration=True):
    """Base of the builders that read raw files.

    The first pass counts the raw values of the train rows, the second encodes all rows; memory
    grows with distinct values, not with rows. A subclass gives `KINDS`, `SOURCE` and `_reader`, and
    `_find`, `_split` and `_columns` where the defaults do not fit. Apache Beam, where asked for,
    calls the same methods (`beam_graph`).
    """

    KINDS: ClassVar[dict[str, Any]]  # field name, in field order -> kind as `encoding.learn` has it
    LABEL: ClassVar[str] = "label"  # name of the label's column
    SOURCE: ClassVar[str]  # where the raw files come from

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._surveys: dict[str, Any] = {}

    def __getstate__(self):
        return {**super().__getstate__(), "surveys": self._surveys}

    def __setstate__(self, state):
        super().__setstate__(state)
        self._surveys = state["surveys"]

    @classmethod
    def from_raw(cls, raw_dir, data_dir, options: Mapping[str, Any]) -> "TabularBuilder":
        """The builder for these options and raw files, not yet prepared.

        Args:
            raw_dir: folder of the raw files. None reopens what was prepared with these options.
            data_dir: folder of prepared data sets. None is TFDS's default.
            options: option values; see the builder's module.
        """
        check_options(options)
        if raw_dir is None:
            return cls._reopen(data_dir, options)
        files = cls._find(raw_dir, options)
        return cls(config=Config.of(options, files), data_dir=data_dir)

    @classmethod
    def _reopen(cls, data_dir, options) -> "TabularBuilder":
        root = pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser() / cls.name
        options = json.loads(json.dumps(options))
        found = [
            path.parent.parent.name
            for path in sorted(root.glob(f"*/{cls.VERSION}/{METADATA_FILE}"))
            if read_json(path, "options")["options"] == options
        ]
        if len(found) != 1:
            raise ValueError(
                f"raw_dir must be given unless exactly one data set with these options is prepared "
                f"in {root}. Received: raw_dir=None, options={options}, prepared={found}"
            )
        return cls(config=Config(name=found[0], options=options), data_dir=data_dir)

    @classmethod
    def _find(cls, raw_dir, options) -> dict[str, pathlib.Path]:
        """The raw files to read, by name, in reading order. Default: one named after each split."""
        return raw_files.find(raw_dir, [f"{split}.csv" for split in SPLITS], cls.SOURCE)

    def _reader(self) -> raw.PieceReader:
        """The reader of these raw files."""
        raise NotImplementedError

    @property
    def _to_survey(self) -> Collection[str]:
        """The files of which `_surveys` must hold `_survey(file)` before any row is read."""
        return ()

    def _survey(self, file: str) -> Any:
        """What `_split` and `_keep` must know of a whole file."""
        raise NotImplementedError

    def _split(self, file: str, chunk: raw.Chunk) -> np.ndarray:
        """Split index of each row of a file, or `LEFT_OUT`. Default: that of the file's name."""
        return np.full(len(chunk.draws), SPLITS.index(file.split(".")[0]), np.int8)

    def _holds_train(self, file: str) -> bool:
        """Whether a file has train rows. Default: the file is named after its split."""
        return file.split(".")[0] == "train"

    def _told_as(self, file: str) -> str:
        """The name of a file in what is told of it. Default: that of its path."""
        return pathlib.Path(self.builder_config.files[file]).name

    def _keep(self, file: str) -> Callable[[list[bytes], np.ndarray], Sequence[int]] | None:
        """Which lines of a file to parse, as `raw.Reader.read` wants it. Default: all."""
        return None

    def _columns(self, columns: dict) -> Mapping[str, pa.DictionaryArray]:
        """The fields' raw columns, made of the file's. Default: the file's own."""
        return columns

    def _labels(self, columns: dict) -> np.ndarray:
        """The rows' labels, float32 `(rows,)`, of the file's columns."""
        return encoding.each_value(np.float32, columns[self.LABEL])

    def _sample_weights(self, columns: dict) -> np.ndarray | None:
        """The rows' weights, float32 `(rows,)`, of the file's columns, or `None`."""
        return None

    @property
    def _kinds(self) -> Mapping[str, Any]:
        """`KINDS`, as the options have them."""
        return self.KINDS

    @property
    def field_names(self) -> Sequence[str]:
        return tuple(self._kinds)

    @property
    def _layout(self):
        return encoding.layout(self._kinds)

    def _generate(self):
        self._surveys = {file: self._survey(file) for file in self._to_survey}
        self._encoding = self._found_encoding()
        for parts in self._each_chunk("encoding", self.builder_config.files, self._encode_chunk):
            yield from parts

    def _found_encoding(self) -> encoding.Encoding:
        """What the rows are encoded by: learned from those of train."""
        return self._learn(self._count())

    def _write_by_beam(self, download_config):
        from aim_keras.datasets import beam_graph  # which few have a use for

        return beam_graph.write(self, download_config)

    def _learn(self, counts: Mapping[str, Counts]) -> encoding.Encoding:
        names = ("min_count", "bucket_count", "max_buckets")
        options = self.builder_config.options
        given = {name: options[name] for name in names if name in options}
        return encoding.learn(self._kinds, counts, **given)

    def _encode_chunk(self, chunk: raw.Chunk, split: np.ndarray) -> list[tuple]:
        """What `_generate` yields of a chunk."""
        columns = self._columns(chunk.columns)
        ids, weights = self._encoding.encode(columns), self._encoding.weights(columns)
        labels = self._labels(chunk.columns)
        arrays = ids, labels, weights, self._sample_weights(chunk.columns)
        return [
            (SPLITS[index], *(a if a is None else a[split == index] for a in arrays))
            for index in np.unique(split[split != LEFT_OUT])
        ]

    def _count(self) -> dict[str, Counts]:
        counts = {name: Counts() for name in encoding.counted_as(self._kinds).values()}
        files = {k: path for k, path in self.builder_config.files.items() if self._holds_train(k)}
        for counted in self._each_chunk("counting", files, self._count_chunk):
            for name, values in counted:
                counts[name].add(*values)
        return counts

    def _count_chunk(self, chunk: raw.Chunk, split: np.ndarray) -> list[tuple[str, tuple]]:
        """The counts of each field's values in a chunk's train rows, as what it is counted."""
        train = pa.array(split == TRAIN)
        columns = self._columns({k: column.filter(train) for k, column in chunk.columns.items()})
        names = encoding.counted_as(self._kinds)
        return [(names[k], encoding.counted(kind, columns[k])) for k, kind in self._kinds.items()]

    def _each_chunk(self, task: str, files, function: Callable) -> Iterator:
        """`function(chunk, split of each row)` of all chunks, in order, on all cores."""
        reader, skipped, rows = self._reader(), collections.Counter(), collections.Counter()
        size = sum(path.stat().st_size for path in files.values())
        with tqdm(total=size, desc=f"{task} {self.name}", unit="B", unit_scale=True) as bar:
            for name, path in files.items():

                def use(chunk, name=name):
                    return len(chunk.draws), function(chunk, self._split(name, chunk))

                for count, result in reader.read(path, bar.update, self._keep(name), use):
                    rows[self._told_as(name)] += count
                    yield result
                skipped[self._told_as(name)] += reader.skipped[path.name]
        self._skipped = dict(skipped)
        self._parsed = {name: rows[name] + count for name, count in skipped.items()}

    def _facts(self) -> dict[str, Any]:
        return {"skipped_rows": self._skipped, "parsed_rows": self._parsed}


def random_split(draws: np.ndarray, valid: float, test: float = 0.0) -> np.ndarray:
    """Split index of each row from its first draw: a share `test`, a share `valid`, else train."""
    return np.where(draws[:, 0] < test, TEST, np.where(draws[:, 0] < test + valid, VALID, TRAIN))


def is_fraction(value) -> bool:
    """Whether a value is a number in (0, 1)."""
    return isinstance(value, int | float) and 0 < value < 1


def check_options(options: Mapping[str, Any]) -> None:
    """Raises `ValueError` for an option that several builders have, out of range."""
    leasts = {"min_count": 1, "bucket_count": 1, "max_buckets": 1, "seed": 0}
    for name, least in leasts.items():
        checked_integer(name, options.get(name, least), least)
    shares = {name: value for name, value in options.items() if name.endswith("_fraction")}
    if not all(map(is_fraction, shares.values())) or sum(shares.values()) >= 1:
        given = ", ".join(f"{name}={value!r}" for name, value in shares.items())
        raise ValueError(f"Fractions must lie in (0, 1) and leave rows to train. Received: {given}")
    if options["on_error"] not in raw.ON_ERROR:
        raise ValueError(
            f"on_error must be one of {raw.ON_ERROR}. Received: on_error={options['on_error']!r}"
        )
