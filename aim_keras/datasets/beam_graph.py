"""Preparation of raw files by Apache Beam: the ids, blocks and shards of a single process."""

import collections
import pathlib
import pickle
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_datasets as tfds

from aim_keras import atomic
from aim_keras.datasets import encoding, writer
from aim_keras.datasets.blocks import (
    BLOCK_ROWS,
    SPLITS,
    BlockBuilder,
    Written,
    cut,
    named,
    tally,
)
from aim_keras.datasets.counts import Counts
from aim_keras.datasets.writer import Shards, write_shard

PARTITIONS = 64  # of a field's values, each of which is counted in one place


def write(builder: BlockBuilder, download_config: tfds.download.DownloadConfig) -> Written:
    """Writes what `builder` would write by itself, byte for byte.

    Three graphs run one after the other: one surveys whole files, where their rows cannot be chosen
    or split otherwise, one counts the train rows' values, one encodes all rows. A file is unpacked
    by one worker, and its pieces are parsed by all. Between the graphs stand the data set's folder
    and this process, which holds the values that are kept: workers must see the raw files and the
    folder under the same paths.

    Args:
        builder: of raw files, being prepared, whose `data_dir` is the temporary folder.
        download_config: of TFDS, with `beam_options`, `beam_runner` or both.
    """
    folder = pathlib.Path(builder.data_dir)
    graph = _Graph(builder, folder / "beam", download_config)
    try:
        builder._surveys = dict(graph.run(_survey)["surveys"]) if builder._to_survey else {}
        counted = graph.run(_count)
        starts, rows = _places(builder, counted["rows"])
        builder._check_rows(rows)
        builder._encoding = builder._learn(_merged(builder, counted["values"]))
        builder._encoding.save(folder / encoding.ENCODING_FILE)
        shards = {split: Shards.of(builder.info, folder, split) for split in builder.splits}
        written = graph.run(_write, folder / encoding.ENCODING_FILE, starts, shards)["shards"]
    finally:
        atomic.remove(graph.scratch)
    return _written(written, shards, rows)


@dataclass
class _Graph:
    """Runs functions `(builder, pipeline, ...) -> {name: PCollection}`."""

    builder: BlockBuilder
    scratch: pathlib.Path  # where workers leave results
    config: tfds.download.DownloadConfig

    def run(self, function: Callable, *arguments) -> dict[str, list]:
        """All elements of each collection, in any order."""
        paths = {}
        self.scratch.mkdir(exist_ok=True)
        runner, options = self.config.beam_runner, self.config.beam_options
        with beam.Pipeline(runner=runner, options=options) as pipeline:
            for name, elements in function(self.builder, pipeline, *arguments).items():
                paths[name] = self.scratch / f"{name}.pickle"
                everything = elements | f"{name}, all" >> beam.combiners.ToList()
                everything | f"{name}, kept" >> beam.Map(_keep, paths[name])
        return {name: pickle.loads(path.read_bytes()) for name, path in paths.items()}


def _keep(elements: list, path: pathlib.Path) -> None:
    with atomic.new_file(path) as temporary:
        temporary.write_bytes(pickle.dumps(elements))


def _survey(builder, pipeline):
    files = pipeline | beam.Create(list(builder._to_survey)) | beam.Reshuffle()
    return {"surveys": files | "survey" >> beam.Map(lambda file: (file, builder._survey(file)))}


def _count(builder, pipeline):
    tagged = _pieces(builder, pipeline) | beam.ParDo(_Count(builder)).with_outputs("rows", "values")
    values = (
        tagged["values"]
        | "count" >> beam.CombinePerKey(_Summed())
        | "frequent" >> beam.Map(_frequent, builder._kinds, builder.builder_config.options)
    )
    return {"rows": tagged["rows"], "values": values}


def _write(builder, pipeline, encoding_path, starts, shards):
    features = builder.info.features
    parts = _pieces(builder, pipeline) | beam.ParDo(_Encode(builder, encoding_path, starts))
    return {"shards": parts | beam.GroupByKey() | "write" >> beam.Map(_shard, shards, features)}


def _pieces(builder, pipeline):
    """`(file, piece)` of all files, spread over the workers."""
    files, reader = builder.builder_config.files, builder._reader()

    def read(file):
        return ((file, piece) for piece in reader.pieces(pathlib.Path(files[file])))

    spread = pipeline | beam.Create(list(files)) | "spread files" >> beam.Reshuffle()
    return spread | "read" >> beam.FlatMap(read) | "spread pieces" >> beam.Reshuffle()


class _OfChunks(beam.DoFn):
    """What a subclass makes of each chunk, `_use`, from `(file, piece)`."""

    def __init__(self, builder: BlockBuilder):
        self._builder = builder

    def setup(self):
        self._reader = self._builder._reader()

    def process(self, element):
        file, piece = element
        path = pathlib.Path(self._builder.builder_config.files[file])
        chunk, skipped = self._reader.chunk(path, piece, self._builder._keep(file))
        yield from self._use(file, piece.number, chunk, skipped)

    def _use(self, file, number, chunk, skipped) -> Iterator:
        raise NotImplementedError


class _Count(_OfChunks):
    """The rows of each split, and the values of train's rows."""

    def _use(self, file, number, chunk, skipped):
        split = self._builder._split(file, chunk)
        rows = np.bincount(split, minlength=len(SPLITS))[: len(SPLITS)].tolist()
        counts = rows, len(split), skipped
        yield beam.pvalue.TaggedOutput("rows", (file, number, *counts))
        if len(split) and self._builder._holds_train(file):
            for field, counted in self._builder._count_chunk(chunk, split):
                for partition, *part in _partitioned(*counted):
                    yield beam.pvalue.TaggedOutput("values", ((field, partition), part))


class _Encode(_OfChunks):
    """`((split, shard), (place of the first row in the split, arrays))`."""

    def __init__(self, builder, encoding_path, starts):
        super().__init__(builder)
        self._encoding_path, self._starts = encoding_path, starts

    def setup(self):
        super().setup()
        self._builder._encoding = encoding.Encoding.load(self._encoding_path)

    def _use(self, file, number, chunk, skipped):
        if not len(chunk.draws):
            return
        split = self._builder._split(file, chunk)
        for name, *arrays in self._builder._encode_chunk(chunk, split):
            part = named(arrays)
            start = self._starts[file, number][name]
            end = start + len(part["label"])
            for shard in range(start // _shard_rows(), (end - 1) // _shard_rows() + 1):
                first = max(start, shard * _shard_rows())
                rows = slice(first - start, (shard + 1) * _shard_rows() - start)
                yield (name, shard), (first, {key: array[rows] for key, array in part.items()})


def _shard_rows() -> int:
    return writer.SHARD_BLOCKS * BLOCK_ROWS


class _Summed(beam.CombineFn):
    """Counts of values from several places."""

    def create_accumulator(self):
        return Counts()

    def add_input(self, accumulator, counted):
        accumulator.add(*counted)
        return accumulator

    def merge_accumulators(self, accumulators):
        merged = Counts()
        for accumulator in accumulators:
            merged.add(*accumulator.at_least(1))
        return merged

    def extract_output(self, accumulator):
        return accumulator


def _partitioned(values, counts) -> Iterator[tuple]:
    """`(partition, values, counts)`: a value is in the same partition wherever it is counted."""
    once = Counts()
    once.add(values, counts)
    values, counts = once.at_least(1)
    codes = (zlib.crc32(value.encode()) % PARTITIONS for value in values.to_pylist())
    partitions = np.fromiter(codes, np.int64, len(values))
    for partition in np.unique(partitions).tolist():
        places = np.flatnonzero(partitions == partition)
        yield partition, values.take(places), counts[places]


def _frequent(counted, kinds, options) -> tuple:
    (field, _), counts = counted
    return field, *counts.at_least(encoding.least_count(kinds[field], options["min_count"]))


def _merged(builder, counted: list) -> dict[str, Counts]:
    counts = {field: Counts() for field in encoding.counted_as(builder._kinds).values()}
    for field, *values in counted:
        counts[field].add(*values)
    return counts


def _places(builder, counted: list) -> tuple[dict, dict[str, int]]:
    """Where each piece's rows start in their splits, and the rows of each split; tells the builder
    of the malformed rows."""
    files = list(builder.builder_config.files)
    starts, total = {}, np.zeros(len(SPLITS), np.int64)
    skipped = collections.Counter(dict.fromkeys((builder._told_as(file) for file in files), 0))
    parsed = skipped.copy()
    for file, number, rows, good, bad in sorted(counted, key=lambda x: (files.index(x[0]), x[1])):
        starts[file, number] = dict(zip(SPLITS, total.tolist(), strict=True))
        total += rows
        skipped[builder._told_as(file)] += bad
        parsed[builder._told_as(file)] += good + bad
    builder._skipped, builder._parsed = dict(skipped), dict(parsed)
    rows = dict(zip(SPLITS, total.tolist(), strict=True))
    return starts, {split: rows[split] for split in builder.splits}


def _shard(grouped, shards: Mapping[str, Shards], features) -> tuple:
    """Writes a shard: its split, number, blocks, bytes, sum of labels and `tally`."""
    (split, number), parts = grouped
    ordered = [part for _, part in sorted(parts, key=lambda part: part[0])]
    positives = sum(float(part["label"].sum()) for part in ordered)
    tallied = sum(tally(part["features"]) for part in ordered)
    blocks, _ = cut(ordered, 1)
    written = write_shard(shards[split].path(number), features, blocks)
    return split, number, *written, positives, tallied


def _written(found: list[tuple], shards: Mapping[str, Shards], rows: dict[str, int]) -> Written:
    infos, positives, tallies = [], {}, {}
    for split in rows:
        of_split: list[Any] = sorted(shard for shard in found if shard[0] == split)
        _, _, lengths, sizes, sums, of_shards = zip(*of_split, strict=True)
        infos.append(shards[split].info(list(lengths), sum(sizes)))
        positives[split], tallies[split] = sum(sums), sum(of_shards)
    return Written(tfds.core.SplitDict(infos), rows, positives, tallies)
