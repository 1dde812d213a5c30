"""Apache Beam writes what a single process writes: each file, byte for byte."""

import pathlib
import pickle

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_datasets as tfds
from pyarrow import parquet

from aim_keras.datasets import avazu, criteo_display, frappe, own_data, planted, raw_files, writer
from aim_keras.datasets.schema import Schema

pipeline_options = pytest.importorskip(
    "apache_beam.options.pipeline_options",
    reason="Apache Beam is absent: it prepares no data",
)


@pytest.fixture(autouse=True)
def many_pieces_and_shards(monkeypatch):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 300_000)
    monkeypatch.setattr(writer, "SHARD_BLOCKS", 1)


def by_beam(builder):
    options = pipeline_options.PipelineOptions(["--runner=DirectRunner"])
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(beam_options=options))
    return builder


def prepared_twice(make, tmp_path):
    """The builder of `make(data_dir)`, after its files and metadata were compared."""
    alone, together = make(tmp_path / "alone"), by_beam(make(tmp_path / "together"))
    alone.download_and_prepare()
    files = [
        {path.name: path.read_bytes() for path in pathlib.Path(builder.data_dir).iterdir()}
        for builder in (alone, together)
    ]
    assert sorted(files[0]) == sorted(files[1])
    assert [name for name, content in files[0].items() if content != files[1][name]] == []
    assert dict(alone.info.metadata.items()) == dict(together.info.metadata.items())
    return together


def test_real_criteo_sample(real, tmp_path):
    folder = real("criteo_sample")
    builder = prepared_twice(lambda data: criteo_display.builder(folder, data), tmp_path)
    assert builder.vocabulary_sizes["C1"] > 10
    assert builder.info.splits["train"].shard_lengths == [1, 1]


def test_real_avazu_sample(real, tmp_path):
    folder = real("avazu_sample")
    builder = prepared_twice(lambda data: avazu.builder(folder, data), tmp_path)
    assert builder.vocabulary_sizes["device_model"] > 20


def test_days_whose_negatives_are_sampled_down(tmp_path, write):
    rng = np.random.default_rng(0)
    for day, rows in {1: 3000, 2: 3000, 3: 1000}.items():
        ids = rng.zipf(1.3, (rows, 39)) % 5000
        lines = [
            "\t".join([str(i % 2), *map(str, row[:13]), *(f"{x:08x}" for x in row[13:])])
            for i, row in enumerate(ids.tolist())
        ]
        write(tmp_path / f"day_{day}.gz", lines)
    options = {"min_count": 3, "train_days": (1, 2), "test_days": (3,), "positive_rate": 0.6}
    builder = prepared_twice(
        lambda data: criteo_display.builder(tmp_path, data, **options), tmp_path
    )
    assert builder.facts("label_mean")["train"] == pytest.approx(0.6, abs=0.05)
    assert builder.info.splits["train"].shard_lengths == [1, 1]


def test_own_tables_of_every_kind_of_field(tmp_path, write):
    rng = np.random.default_rng(0)
    rows = 5000
    tags = ["|".join(rng.choice(list("abcdef"), n)) for n in rng.integers(0, 4, rows)]
    table = {
        "click": rng.integers(0, 2, rows).astype(str),
        "user": [f"u{i}" for i in rng.zipf(1.5, rows) % 999],
        "tags": tags,
        "tag": rng.choice(list("abcxyz"), rows, p=[0.4, 0.3, 0.2, 0.098, 0.001, 0.001]),
        "price": rng.normal(size=rows).astype("U8"),
        "age": rng.integers(0, 99, rows).astype(str),
        "score": rng.normal(size=rows).astype("U8"),
        "weight": rng.integers(1, 4, rows).astype(str),
    }
    columns = {
        "click": {"kind": "label", "positive": ["1"], "negative": ["0"]},
        "user": {"kind": "categorical"},
        "tags": {
            "kind": "multi_categorical",
            "separator": "|",
            "max_length": 3,
            "combiner": "mean",
        },
        "tag": {"kind": "categorical", "table": "tags"},
        "price": {"kind": "decimal"},
        "age": {"kind": "numerical"},
        "score": {"kind": "dense"},
        "weight": {"kind": "weight"},
    }
    parquet.write_table(pa.table(table), tmp_path / "b.parquet")
    schema = tmp_path / "schema.json"
    Schema(columns).save(schema)
    lines = [",".join(row) for row in zip(*table.values(), strict=True)]
    write(tmp_path / "a.csv", [",".join(table), *lines, "malformed"])
    options = {"schema": schema, "split": "ordered", "negative_rate": 0.5, "on_error": "skip"}
    paths = [tmp_path / "a.csv", tmp_path / "b.parquet"]
    builder = prepared_twice(
        lambda data: own_data.builder(paths, data_dir=data, **options), tmp_path
    )
    assert builder.facts("skipped_rows") == {"a.csv": 1, "b.parquet": 0}
    assert builder.facts("rows")["test"] == 1000
    fields = builder.encoding.fields
    assert fields["tag"].values == fields["tags"].values
    assert {*fields["tag"].values} > set("abcdefx")


def test_own_data_without_rows_of_test(tmp_path, write):
    for day in (1, 2):
        write(tmp_path / f"day_{day}.csv", ["y,user", *(f"{i % 2},u{i % 7}" for i in range(90))])
    train, valid = tmp_path / "day_1.csv", tmp_path / "day_2.csv"
    builder = prepared_twice(
        lambda data: own_data.builder(train, valid_paths=valid, data_dir=data), tmp_path
    )
    assert builder.facts("rows") == {"train": 90, "valid": 90}


def test_a_malformed_line_is_told_by_file_and_number(frappe_files, tmp_path, write):
    folder = frappe_files()
    header = ",".join(["label", *frappe.FIELDS])
    write(folder / "train.csv", [header, "0,u,i,d,mon,w,h,free,sun,,7", "x,1"])
    builder = frappe.builder(folder, tmp_path / "data")
    with pytest.raises(ValueError, match=r"train\.csv, line 3: must have 11 columns"):
        by_beam(builder)
    assert not builder.is_prepared()
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_an_empty_split_is_an_error(frappe_files, tmp_path, write):
    folder = frappe_files()
    write(folder / "valid.csv.gz", [",".join(["label", *frappe.FIELDS])])
    with pytest.raises(ValueError, match="at least one row: valid has none"):
        by_beam(frappe.builder(folder, tmp_path / "data"))


def test_generated_data_are_not_for_beam(tmp_path):
    with pytest.raises(ValueError, match=r"read from raw files\. Received: planted"):
        by_beam(planted.builder(data_dir=tmp_path))


def test_a_worker_has_the_surveys(frappe_files, tmp_path):
    builder = frappe.builder(frappe_files(), tmp_path / "data")
    builder._surveys = {"train": 40}
    assert pickle.loads(pickle.dumps(builder))._surveys == {"train": 40}
