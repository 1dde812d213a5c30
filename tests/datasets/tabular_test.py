import json
import logging
import pathlib
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_datasets as tfds

from aim_keras.datasets import encoding, frappe, pipeline, raw_files, tabular


def _prepare(folder, data_dir, **options):
    builder = frappe.builder(folder, data_dir, **options)
    builder.download_and_prepare()
    return builder


def _rows(builder, split):
    parts = [(f.numpy(), y.numpy()) for f, y in pipeline.batches(builder, split, 1000)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def test_prepared_rows_equal_the_encoded_raw_rows_in_order(frappe_files, tmp_path):
    builder = _prepare(frappe_files(), tmp_path / "data")
    ids, labels = _rows(builder, "train")
    users = builder.encoding.fields["user"].values
    assert [users[i - 1] for i in ids[:, 0]] == [f"u{i % 5}" for i in range(40)]
    np.testing.assert_array_equal(labels[:, 0], [i % 2 for i in range(40)])
    assert ids.dtype == np.int32
    assert labels.dtype == np.float32


def test_vocabulary_comes_from_train_alone(frappe_files, tmp_path):
    builder = _prepare(frappe_files(), tmp_path / "data")
    assert builder.vocabulary_sizes["user"] == 6
    assert builder.vocabulary_sizes["country"] == 2
    ids, _ = _rows(builder, "test")
    assert ids[0, 0] == 0, "a user of the test alone"
    assert ids[0, 8] == 0, "a country of the test alone"
    assert ids[1:].min() == 1, "the empty country is a value"


def test_min_count_sends_rare_values_out_of_vocabulary(frappe_files, tmp_path):
    builder = _prepare(frappe_files(train=42), tmp_path / "data", min_count=9)
    assert builder.encoding.fields["user"].values == ("u0", "u1")
    ids, _ = _rows(builder, "train")
    assert (ids[:, 0] == 0).sum() == 24


def test_metadata_survives_a_reload(frappe_files, tmp_path):
    folder = frappe_files()
    first = _prepare(folder, tmp_path / "data")
    again = frappe.builder(folder, tmp_path / "data")
    assert again.is_prepared()
    expected = {
        "fields": list(again.field_names),
        "vocabulary_sizes": first.vocabulary_sizes,
        "rows": {"train": 40, "valid": 8, "test": 6},
        "label_mean": {"train": 0.5, "valid": 0.5, "test": 4 / 6},
        "out_of_vocabulary": {
            name: {
                "train": 0.0,
                "valid": 0.0,
                "test": 1 / 6 if name in ("user", "country") else 0.0,
            }
            for name in frappe.FIELDS
        },
        "options": {"min_count": 1, "on_error": "raise"},
        "raw_files": {f.name: f.stat().st_size for f in folder.iterdir()},
        "skipped_rows": dict.fromkeys(("train.csv.gz", "valid.csv.gz", "test.csv.gz"), 0),
        "parsed_rows": {"train.csv.gz": 40, "valid.csv.gz": 8, "test.csv.gz": 6},
    }
    assert dict(again.info.metadata.items()) == dict(first.info.metadata) == expected
    assert list(again.vocabulary_sizes) == list(again.field_names)
    assert again.encoding == first.encoding
    assert pipeline.rows(again, "train") == 40


def test_tfds_reads_the_prepared_folder_without_our_code(frappe_files, tmp_path):
    builder = _prepare(frappe_files(), tmp_path / "data")
    foreign = tfds.builder_from_directory(builder.data_dir)
    block = next(iter(foreign.as_dataset(split="train")))
    np.testing.assert_array_equal(block["features"], _rows(builder, "train")[0])


def test_preparation_is_deterministic(frappe_files, tmp_path):
    folder = frappe_files(train=5000)
    files = []
    for name in ("one", "two"):
        root = pathlib.Path(_prepare(folder, tmp_path / name).data_dir)
        files.append({path.name: path.read_bytes() for path in root.iterdir()})
    assert files[0] == files[1]
    assert any("tfrecord" in name for name in files[0])


def test_blocks_are_full_but_the_last(frappe_files, tmp_path):
    builder = _prepare(frappe_files(train=10_000), tmp_path / "data")
    sizes = [len(block["label"]) for block in builder.as_dataset(split="train")]
    assert sizes == [4096, 4096, 1808]


def test_other_options_or_raw_files_are_not_reused(frappe_files, tmp_path, write):
    folder = frappe_files()
    first = _prepare(folder, tmp_path / "data")
    assert first.builder_config.name.startswith("min_count_1-")
    same_sizes = frappe_files(name="same_sizes")
    write(same_sizes / "valid.csv", [",".join(["label", *frappe.FIELDS]), "0" + ",a" * 10])
    builders = [frappe.builder(same_sizes, tmp_path / "data")]
    write(same_sizes / "valid.csv", [",".join(["label", *frappe.FIELDS]), "1" + ",a" * 10])
    others = [
        *builders,
        frappe.builder(same_sizes, tmp_path / "data"),
        frappe.builder(folder, tmp_path / "data", min_count=2),
        frappe.builder(folder, tmp_path / "data", on_error="skip"),
        frappe.builder(frappe_files(train=41, name="longer"), tmp_path / "data"),
    ]
    assert not any(other.is_prepared() for other in others)
    assert len({b.data_dir for b in [first, *others]}) == 6


def test_raw_dir_none_reopens_what_was_prepared(frappe_files, tmp_path):
    first = _prepare(frappe_files(), tmp_path / "data", min_count=2)
    again = frappe.builder(data_dir=tmp_path / "data", min_count=2)
    assert again.data_dir == first.data_dir
    assert again.vocabulary_sizes == first.vocabulary_sizes
    with pytest.raises(ValueError, match="raw_dir must be given unless exactly one"):
        frappe.builder(data_dir=tmp_path / "data", min_count=3)
    other = _prepare(frappe_files(train=41, name="longer"), tmp_path / "data", min_count=2)
    both = ", ".join(sorted(f"'{b.builder_config.name}'" for b in (first, other)))
    with pytest.raises(ValueError, match=rf"exactly one .*prepared=\[{both}\]"):
        frappe.builder(data_dir=tmp_path / "data", min_count=2)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_preparation_leaves_nothing(frappe_files, tmp_path, monkeypatch, error):
    folder = frappe_files(train=9000)
    encode, calls = encoding.Encoding.encode, []

    def interrupted(self, columns):
        calls.append(1)
        if len(calls) == 3:
            raise error
        return encode(self, columns)

    with monkeypatch.context() as patch:
        patch.setattr(raw_files, "CHUNK_BYTES", 100_000)
        patch.setattr(encoding.Encoding, "encode", interrupted)
        builder = frappe.builder(folder, tmp_path / "data")
        with pytest.raises(error):
            builder.download_and_prepare()
    assert not frappe.builder(folder, tmp_path / "data").is_prepared()
    assert not list((tmp_path / "data").rglob("*tfrecord*"))
    builder.download_and_prepare()
    assert pipeline.rows(builder, "train") == len(_rows(builder, "train")[0]) == 9000


def test_leftovers_of_a_killed_preparation_are_not_read(frappe_files, tmp_path):
    folder = frappe_files()
    root = pathlib.Path(_prepare(folder, tmp_path / "data").data_dir)
    root.rename(root.parent / "incomplete.ABC123_1.0.0")
    assert not frappe.builder(folder, tmp_path / "data").is_prepared()
    with pytest.raises(ValueError, match=r"prepared=\[\]"):
        frappe.builder(data_dir=tmp_path / "data")


def test_skipped_lines_are_counted_and_reported(frappe_files, tmp_path, write, caplog):
    folder = frappe_files()
    bad = ["x,1", "9,u,i,d,m,w,h,f,s,c,7"]
    header = ",".join(["label", *frappe.FIELDS])
    write(folder / "train.csv", [header, *bad, "0,u,i,d,m,w,h,f,s,c,7"])
    with pytest.raises(ValueError, match=r"train\.csv, line 2: must have 11 columns\. Received: 2"):
        _prepare(folder, tmp_path / "data")
    with caplog.at_level(logging.WARNING):
        builder = _prepare(folder, tmp_path / "data", on_error="skip")
    assert builder.info.metadata["skipped_rows"]["train.csv"] == 2
    assert pipeline.rows(builder, "train") == 1
    said = "skipped 2 malformed lines of train.csv, 66.67%"
    assert caplog.text.count(said) == 1
    _prepare(folder, tmp_path / "data", on_error="skip")
    assert caplog.text.count(said) == 2, "of data that were prepared before, too"


def test_empty_split_is_an_error(frappe_files, tmp_path, write):
    folder = frappe_files()
    write(folder / "valid.csv.gz", [",".join(["label", *frappe.FIELDS])])
    with pytest.raises(ValueError, match=r"at least one row: valid has none\. Received: rows="):
        _prepare(folder, tmp_path / "data")


def test_unprepared_data_set_says_so(frappe_files, tmp_path):
    builder = frappe.builder(frappe_files(), tmp_path / "data")
    for use in (
        lambda: builder.vocabulary_sizes,
        lambda: builder.encoding,
        lambda: pipeline.rows(builder, "train"),
        lambda: pipeline.batches(builder, "train", 8),
    ):
        with pytest.raises(RuntimeError, match=r"call builder\.download_and_prepare\(\)"):
            use()


@pytest.mark.parametrize(("valid", "last"), [(0.1, "train"), (0.2, "valid")])
def test_rows_of_test_stay_so_whatever_the_share_of_valid(valid, last):
    found = tabular.random_split(np.array([[0.05], [0.15], [0.25]]), valid, test=0.1)
    assert [tabular.SPLITS[index] for index in found] == ["test", "valid", last]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"min_count": 0}, "min_count must be an integer >= 1. Received: min_count=0"),
        ({"min_count": 1.5}, "min_count must be an integer"),
        ({"on_error": "ignore"}, "on_error must be one of .* Received: on_error='ignore'"),
    ],
)
def test_options_are_checked(frappe_files, tmp_path, option, message):
    with pytest.raises(ValueError, match=message):
        frappe.builder(frappe_files(), tmp_path / "data", **option)


def test_memory_does_not_grow_with_rows(frappe_files, tmp_path, monkeypatch):
    """Python's and NumPy's memory as traced, and Arrow's as seen at each chunk."""
    encode, of_arrow = encoding.Encoding.encode, []

    def watched(self, columns):
        of_arrow.append(pa.total_allocated_bytes())
        return encode(self, columns)

    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 1 << 15)
    monkeypatch.setattr(encoding.Encoding, "encode", watched)
    _prepare(frappe_files(train=100, name="warm"), tmp_path / "warm_data")
    peaks = []
    for rows in (25_000, 100_000):
        folder = frappe_files(train=rows, name=f"raw{rows}")
        of_arrow.clear()
        tracemalloc.start()
        _prepare(folder, tmp_path / f"data{rows}")
        peaks.append(tracemalloc.get_traced_memory()[1] + max(of_arrow))
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_encoding_file_is_json_with_one_line_a_field(frappe_files, tmp_path):
    builder = _prepare(frappe_files(), tmp_path / "data")
    text = (pathlib.Path(builder.data_dir) / "encoding.json").read_text()
    assert list(json.loads(text)["fields"]) == list(frappe.FIELDS)
    assert len(text.splitlines()) == 12


def test_an_encoding_of_fields_in_another_order_is_refused(frappe_files, tmp_path):
    builder = _prepare(frappe_files(), tmp_path / "data")
    path = pathlib.Path(builder.data_dir) / "encoding.json"
    content = json.loads(path.read_text())
    content["fields"] = dict(reversed(content["fields"].items()))
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"encoding\.json must have the fields of .* in order"):
        _ = frappe.builder(None, tmp_path / "data").encoding
