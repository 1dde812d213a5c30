"""The prepared form of every data set: blocks of encoded rows, and the facts about them."""

import logging
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from aim_keras import atomic, documents
from aim_keras.datasets import doubts, file_marks
from aim_keras.datasets.config import Config
from aim_keras.datasets.encoding import ENCODING_FILE, Encoding
from aim_keras.datasets.writer import ShardWriter
from aim_keras.fields import PADDING, Field, as_fields, places, widths

logger = logging.getLogger(__name__)

SPLITS = ("train", "valid", "test")
BLOCK_ROWS = 4096
METADATA_FILE = "metadata.json"  # of TFDS
METADATA = ("fields", "vocabulary_sizes", "rows", "label_mean", "options")
ARRAYS = ("features", "label", "weights", "sample_weight")  # in the order of `_generate`


@dataclass(frozen=True)
class Written:
    """What was written of a data set, by split: what TFDS must know, rows, sums of labels, and
    sums of what `tally` gives."""

    splits: tfds.core.SplitDict
    rows: dict[str, int]
    positives: dict[str, float]
    tallies: dict[str, np.ndarray]


class BlockBuilder(tfds.core.dataset_builder.FileReaderBuilder, skip_registration=True):
    """TFDS builder whose examples are blocks of up to 4096 rows, in the order of generation.

    An example is `features`, int32 `(None, columns)`, `label`, float32 `(None,)`, and where fields
    are weighted `weights`, float32 `(None, weighted columns)` (see `Field`), and where rows are
    `sample_weight`, float32 `(None,)`. A subclass gives `field_names` and `_generate`, `_layout`
    where not all fields are single ids, `has_sample_weights` where rows have them. Rows are written
    as they come (TFDS's own generator writer holds up to 1 GB, then sorts a whole split in memory
    when the order is to be kept), into a folder that TFDS renames when all is done: an interrupted
    preparation leaves no data set.
    """

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, config: Config, data_dir=None, **kwargs):
        try:
            super().__init__(config=config, data_dir=data_dir, **kwargs)
            if self.data_path.exists():
                self._check_prepared()
        except Exception as error:  # TFDS has one of every class for a damaged file
            folder = getattr(self, "_data_dir", None)
            if folder is None or not pathlib.Path(folder).exists():
                raise
            raise ValueError(
                f"{folder} must hold a prepared data set, undamaged; delete it to have it prepared "
                f"anew. Received: {error}"
            ) from error

    def _check_prepared(self) -> None:
        """Raises `ValueError` unless the files of a prepared data set are of this builder."""
        folder = pathlib.Path(self.data_path)
        metadata = documents.read_json(folder / METADATA_FILE, *METADATA)
        documents.check_mapping(metadata["vocabulary_sizes"], "vocabulary_sizes")
        names, given = list(self.field_names), list(as_fields(metadata["vocabulary_sizes"]))
        if not names == given == metadata["fields"]:
            raise ValueError(f"{METADATA_FILE}: fields must be {names}. Received: {given!r:.200}")
        for key, kind in (("rows", int), ("label_mean", float)):
            values = metadata[key]
            documents.check_mapping(values, key)
            if [*values] != [*self.splits] or {type(value) for value in values.values()} != {kind}:
                raise ValueError(
                    f"{METADATA_FILE}: {key} must have a number a split. Received: {values!r:.200}"
                )
        doubts.of(metadata)
        self.info.metadata["rows"]  # TFDS reads the metadata file at the first subscript only
        if (found := {*self.info.splits}) != {*self.splits}:
            raise ValueError(f"The splits must be {self.splits}. Received: {sorted(found)}")
        for split in self.info.splits.values():
            for path in split.filepaths:
                documents.file_within(folder, os.fspath(path), "A file of rows")

    @property
    def field_names(self) -> Sequence[str]:
        """Names of the fields, in the order of the columns of `features`."""
        raise NotImplementedError

    @property
    def splits(self) -> Sequence[str]:
        """Names of the splits, of `SPLITS`; own data may have no test."""
        return SPLITS

    @property
    def has_sample_weights(self) -> bool:
        """Whether every row has a weight."""
        return False

    @property
    def logit_shift(self) -> float:
        """What calibrates the logits of a model of the train rows: added, they fit all rows."""
        return 0.0

    @property
    def _layout(self) -> Mapping[str, Field]:
        """The fields as far as they are known before preparation: all but their sizes."""
        return dict.fromkeys(self.field_names, Field(1))

    def _generate(self) -> Iterator[tuple]:
        """Yields (split, ids `(rows, columns)`, labels `(rows,)`, weights of weighted fields
        `(rows, weighted columns)`, weights of rows `(rows,)`), of which the last ones may be left
        out or None, and sets `self._encoding`."""
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """What a subclass adds to the metadata after `_generate` is done."""
        return {}

    @property
    def vocabulary_sizes(self) -> dict[str, int]:
        """Number of ids of each field, out-of-vocabulary id 0 included, in field order."""
        return {name: field.size for name, field in self.fields.items()}

    @property
    def fields(self) -> dict[str, Field]:
        """What a model takes as its `vocabulary_sizes`: each field, in field order."""
        return as_fields(self.facts("vocabulary_sizes"))

    @property
    def encoding(self) -> Encoding:
        """The encodings from raw values to ids, from `encoding.json` in the prepared folder."""
        fields, path = self.fields, pathlib.Path(self.data_dir) / ENCODING_FILE
        encoding = Encoding.load(path)
        if [*encoding.model_fields.items()] != [*fields.items()]:
            raise ValueError(
                f"{path} must have the fields of {METADATA_FILE}, in order, of the same sizes. "
                f"Received: {encoding.model_fields!r:.200}"
            )
        return encoding

    def facts(self, key: str) -> Any:
        """An entry of `info.metadata` of a prepared data set.

        Raises:
            RuntimeError: if the data set is not prepared.
        """
        if not self.is_prepared():
            raise RuntimeError(
                f"The data set must be prepared first: call builder.download_and_prepare(). "
                f"Received: {self.name} in {self.data_dir}"
            )
        return self.info.metadata[key]

    @property
    def doubts(self) -> list[str]:
        """Doubts about a prepared data set, a sentence each."""
        return doubts.of(self.info.metadata)

    def _info(self) -> tfds.core.DatasetInfo:
        columns, weights = widths(self._layout.values())
        shapes = {"features": (None, columns), "label": (None,)}
        if weights:
            shapes["weights"] = (None, weights)
        if self.has_sample_weights:
            shapes["sample_weight"] = (None,)
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    name: tfds.features.Tensor(
                        shape=shape, dtype=np.int32 if name == "features" else np.float32
                    )
                    for name, shape in shapes.items()
                }
            ),
            metadata=tfds.core.MetadataDict(),
            disable_shuffling=True,
        )

    def download_and_prepare(self, **options):
        """As of TFDS, in one process at a time; what a killed one left is removed.

        Doubts are logged, whether the data were prepared just now or before.
        """
        if not self.data_path.exists():
            folder = pathlib.Path(self.data_path.parent)
            with atomic.locked(folder, wait=True):
                for unfinished in folder.glob(f"incomplete.*_{self.version}"):
                    atomic.remove(unfinished)
                super().download_and_prepare(**options)
        else:
            self._warn_of_later_files()
        if not self.info.initialized:
            self.info.read_from_directory(self.data_dir)
        for doubt in self.doubts:
            logger.warning("%s: %s", self.name, doubt)

    def _warn_of_later_files(self):
        prepared = pathlib.Path(self.data_path) / METADATA_FILE
        if later := file_marks.newer(self.builder_config.files, prepared):
            logger.warning(
                "%s is newer than the data set in %s, and of the same size, beginning and end. If "
                "its rows differ from those that were prepared, delete that folder.",
                later[0],
                self.data_path,
            )

    def _download_and_prepare(self, dl_manager, download_config) -> None:
        del dl_manager
        beam = download_config.beam_options, download_config.beam_runner
        written = self._write() if beam == (None, None) else self._write_by_beam(download_config)
        self.info.set_splits(written.splits)
        self._encoding.save(pathlib.Path(self.data_dir) / ENCODING_FILE)
        rows, positives = written.rows, written.positives
        self.info.metadata.update(
            fields=list(self.field_names),
            vocabulary_sizes={
                name: field.to_config() for name, field in self._encoding.model_fields.items()
            },
            rows=rows,
            label_mean={split: positives[split] / rows[split] for split in rows},
            out_of_vocabulary=_unknown(self._encoding.model_fields, written.tallies),
            options=self.builder_config.options,
            raw_files=file_marks.sizes(self.builder_config.files),
            **self._facts(),
        )

    def _write_by_beam(self, download_config: tfds.download.DownloadConfig) -> "Written":
        """What `_write` does, by Apache Beam; sets `self._encoding`, too."""
        raise ValueError(
            f"beam_options are for data sets that are read from raw files. Received: {self.name}, "
            "which is generated"
        )

    def _write(self) -> "Written":
        """Writes what `_generate` yields."""
        writer = ShardWriter(self.info, self.data_dir, self.splits)  # a temporary folder now
        pending: dict[str, list] = {split: [] for split in self.splits}
        rows, positives = dict.fromkeys(self.splits, 0), dict.fromkeys(self.splits, 0.0)
        tallies = {split: np.zeros((2, 1), np.int64) for split in self.splits}
        for split, *arrays in self._generate():
            part = named(arrays)
            rows[split] += len(part["label"])
            positives[split] += float(part["label"].sum())
            tallies[split] = tallies[split] + tally(part["features"])
            pending[split].append(part)
            if sum(len(part["label"]) for part in pending[split]) >= BLOCK_ROWS:
                blocks, pending[split] = cut(pending[split], BLOCK_ROWS)
                writer.add(split, blocks)
        self._check_rows(rows)
        for split, rest in pending.items():
            writer.add(split, cut(rest, 1)[0])
        return Written(writer.close(), rows, positives, tallies)

    def _check_rows(self, rows: Mapping[str, int]) -> None:
        if empty := [split for split in rows if not rows[split]]:
            raise ValueError(
                f"Each split of {self.name} must have at least one row: {', '.join(empty)} has "
                f"none. Received: rows={rows}, options={self.builder_config.options}"
            )


def named(arrays: Iterable[np.ndarray | None]) -> dict[str, np.ndarray]:
    """The arrays that there are, by name, of what `_generate` yields behind the split."""
    pairs = zip(ARRAYS, arrays, strict=False)
    return {name: array for name, array in pairs if array is not None}


def tally(ids: np.ndarray) -> np.ndarray:
    """How many ids of each column are 0, out of vocabulary, and how many there are, `(2, columns)`,
    of ids `(rows, columns)`."""
    return np.array([np.count_nonzero(ids == 0, axis=0), np.count_nonzero(ids != PADDING, axis=0)])


def _unknown(fields, tallies) -> dict[str, dict[str, float]]:
    """The share of each field's ids that are out of vocabulary, by split; dense ones have none."""
    found: dict[str, dict[str, float]] = {}
    for name, (columns, _) in zip(fields, places(fields.values()), strict=True):
        sums = {split: of_split[:, columns].sum(axis=1) for split, of_split in tallies.items()}
        if not fields[name].dense:
            found[name] = {split: float(n / max(ids, 1)) for split, (n, ids) in sums.items()}
    return found


def cut(parts: list, least: int) -> tuple[list[dict], list]:
    """Examples of BLOCK_ROWS rows, the last of at least `least` rows, and the parts left over."""
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = len(arrays["label"])
    starts = range(0, rows - least + 1, BLOCK_ROWS)
    blocks = [{name: a[i : i + BLOCK_ROWS] for name, a in arrays.items()} for i in starts]
    end = min(rows, len(starts) * BLOCK_ROWS)
    return blocks, [{name: array[end:] for name, array in arrays.items()}]
