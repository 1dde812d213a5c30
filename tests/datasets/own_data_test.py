import os
import re
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from aim_keras.datasets import own_data, pipeline, raw_files, tables
from aim_keras.datasets.schema import Schema

HEADER = "click,user,city,price"
ROWS = [f"{i % 2},u{i % 5},{'paris' if i % 3 else ''},{i / 8}" for i in range(400)]
ROWS_OF_THREE = [f"{i % 2},u{i % 5},{i % 9}" for i in range(400)]


def prepare(tmp_path, paths, **options):
    builder = own_data.builder(paths, data_dir=tmp_path / "data", **options)
    builder.download_and_prepare()
    return builder


def labels(builder, split):
    return np.concatenate([y[:, 0] for _, y in pipeline.batches(builder, split, 999)])


def features(builder, split):
    return np.concatenate([x for x, _ in pipeline.batches(builder, split, 999)])


@pytest.fixture
def clicks(tmp_path, write):
    return write(tmp_path / "clicks.csv", [HEADER, *ROWS])


def test_one_file_is_split_and_prepared(clicks, tmp_path, capsys):
    builder = prepare(tmp_path, clicks)
    assert {k: f.size for k, f in builder.fields.items()} == {"user": 6, "city": 3, "price": 9}
    rows = builder.facts("rows")
    assert sum(rows.values()) == 400
    assert all(20 < rows[split] < 60 for split in ("valid", "test"))
    printed = capsys.readouterr().out
    (path,) = (tmp_path / "data" / "schemas").iterdir()
    assert re.search(r"price +decimal +400 numbers: in buckets", printed)
    assert str(path) in printed
    again = own_data.builder(clicks, data_dir=tmp_path / "data")
    assert again.is_prepared()
    assert capsys.readouterr().out == ""


def test_an_edited_schema_is_given_back(clicks, tmp_path):
    path = tmp_path / "schema.json"
    own_data.builder(clicks, schema=path, data_dir=tmp_path / "data")
    text = path.read_text().replace('"price": {"kind": "decimal"', '"price": {"kind": "dense"')
    path.write_text(text)
    builder = prepare(tmp_path, clicks, schema=path)
    assert builder.fields["price"].dense
    path.write_text(text.replace('"user": {"kind": "categorical"', '"user": {"kind": "ignored"'))
    other = own_data.builder(clicks, schema=path, data_dir=tmp_path / "data")
    assert list(other.field_names) == ["city", "price"]
    assert not other.is_prepared()
    with pytest.raises(
        ValueError, match=r"label must be that of the schema .* 'click'\..*='clicked'"
    ):
        own_data.builder(clicks, schema=path, label="clicked", data_dir=tmp_path / "data")


def test_a_random_split_is_that_of_the_lines_and_the_seed(clicks, tmp_path, write):
    schema = tmp_path / "schema.json"
    first = prepare(tmp_path, clicks, schema=schema)
    packed = write(tmp_path / "packed" / "clicks.csv.gz", [HEADER, *ROWS])
    same = prepare(tmp_path, packed, schema=schema)
    np.testing.assert_array_equal(features(first, "test"), features(same, "test"))
    other = prepare(tmp_path, clicks, schema=schema, seed=1)
    assert first.facts("rows") != other.facts("rows")


def test_an_ordered_split_is_by_place_over_all_files(tmp_path, write):
    days = [write(tmp_path / f"day_{d}.csv", ["y,u,v", *([f"0,{d},a"] * 50)]) for d in (1, 2)]
    days.append(write(tmp_path / "day_3.csv", ["y,u,v", *(["1,3,b"] * 20)]))
    options = {"split": "ordered", "valid_fraction": 0.2, "test_fraction": 1 / 6}
    builder = prepare(tmp_path, [str(tmp_path / "day_*.csv")], **options)
    assert builder.facts("rows") == {"train": 76, "valid": 24, "test": 20}
    assert builder.facts("label_mean") == {"train": 0, "valid": 0, "test": 1}
    assert features(builder, "test").max() == 0, "day 3 and b are not in train"
    backwards = own_data.builder(days[::-1], data_dir=tmp_path / "data", **options)
    assert not backwards.is_prepared()


def test_files_of_a_pattern_come_by_their_numbers(tmp_path, write):
    for day in range(1, 13):
        write(tmp_path / f"day_{day}.csv", ["y,u,v", *([f"{day % 2},{day},a"] * 9)])
    found = [
        own_data.builder(paths, data_dir=tmp_path / "data").builder_config.options["files"]
        for paths in (tmp_path / "day_*.csv", tmp_path)
    ]
    assert found == [[f"all/day_{day}.csv" for day in range(1, 13)]] * 2


def test_blank_lines_at_the_end_have_no_part_in_an_ordered_split(tmp_path, write):
    path = write(tmp_path / "a.csv", ["y,u,v", *ROWS_OF_THREE, *([""] * 300)])
    builder = prepare(tmp_path, path, split="ordered")
    assert builder.facts("rows") == {"train": 320, "valid": 40, "test": 40}


def test_a_file_that_was_written_later_is_named(clicks, tmp_path, caplog):
    builder = prepare(tmp_path, clicks)
    os.utime(clicks, (0, 0))
    builder.download_and_prepare()
    assert "is newer than" not in caplog.text
    os.utime(clicks)
    builder.download_and_prepare()
    assert re.search(f"{clicks} is newer than .* delete that folder", caplog.text)


def test_a_schema_beside_an_earlier_one(clicks, tmp_path, write, capsys):
    own_data.builder(clicks, data_dir=tmp_path / "data")
    assert "to keep one" not in capsys.readouterr().out
    (earlier,) = (tmp_path / "data" / "schemas").iterdir()
    own_data.builder(clicks, data_dir=tmp_path / "data", on_error="skip")
    assert [*(tmp_path / "data" / "schemas").iterdir()] == [earlier]
    write(clicks, [HEADER, *ROWS, ROWS[0]])
    own_data.builder(clicks, data_dir=tmp_path / "data")
    assert re.search(f"not those of {earlier}: to keep one", capsys.readouterr().out)


def test_a_schema_that_is_given_and_not_there(clicks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = {"raw_dir": clicks.parent, "schema": "my/schema.json", "data_dir": "data"}
    said = f"There is no schema {tmp_path / 'my' / 'schema.json'}: it is inferred, and written"
    own_data.builder("clicks.csv", **options)
    assert capsys.readouterr().out.startswith(said)
    own_data.builder("clicks.csv", **options)
    assert capsys.readouterr().out == ""


def test_a_separator_that_no_first_line_tells(tmp_path, write):
    rows = [row.replace(",", "\x01") for row in (HEADER, *ROWS)]
    builder = prepare(tmp_path, write(tmp_path / "a.txt", rows), separator="\x01")
    assert list(builder.fields) == ["user", "city", "price"]


def test_quotes_that_are_text(tmp_path, write):
    queries = ['"shoes', '"red" shoes', 'a "b"', "c"]
    lines = [f"{i % 2}\t{queries[i % 4]}\t{i % 3}" for i in range(400)]
    path = write(tmp_path / "a.tsv", ['\ufeffclick\t"query\tplace', *lines, "", ""])
    columns = {
        "click": {"kind": "label", "positive": ["1"], "negative": ["0"]},
        '"query': {"kind": "categorical", "name": "query"},
        "place": {"kind": "categorical"},
    }
    schema = tmp_path / "schema.json"
    Schema(columns, "\t").save(schema)
    with pytest.raises(ValueError, match="a quoted cell must end on its line"):
        prepare(tmp_path, path, schema=schema)
    Schema(columns, "\t", quoted=False).save(schema)
    builder = prepare(tmp_path, path, schema=schema)
    assert {*builder.encoding.fields["query"].values} == {*queries}
    assert sum(builder.facts("rows").values()) == 400


def test_values_of_the_label_that_are_clicks(tmp_path, write):
    rows = [f"{i % 5 + 1},u{i % 7}" for i in range(400)]
    path = write(tmp_path / "a.csv", ["rating,user", *rows])
    with pytest.raises(
        ValueError, match=r"or CSV_POSITIVE \(positive, in code\) or a schema say which"
    ):
        own_data.builder(path, label="rating", data_dir=tmp_path / "data")
    builder = prepare(tmp_path, path, label="rating", positive=["4", "5"])
    means = builder.facts("label_mean")
    assert 0.3 < means["train"] < 0.5
    (schema,) = (tmp_path / "data" / "schemas").iterdir()
    with pytest.raises(ValueError, match="positive must be that of the schema"):
        own_data.builder(path, positive=["1"], schema=schema)
    with pytest.raises(ValueError, match=r"some one of \['4.0'\]"):
        own_data.builder(path, label="rating", positive=["4.0"], schema=tmp_path / "other.json")
    write(path, ["rating,user", *rows, ",u1"])
    with pytest.raises(ValueError, match=r"each row must have a label.*rows of \[''\]"):
        own_data.builder(path, label="rating", positive=["4"], data_dir=tmp_path / "data")


def test_files_of_each_split_in_folders_with_columns_in_any_order(tmp_path, write):
    write(tmp_path / "train" / "a.csv", ["click,user,n", *(["1,u1,5", "0,u2,6"] * 4)])
    write(tmp_path / "train" / "sub" / "b.csv.gz", ["n,click,more,user", "7,1,x,u3", "7,0,x,u3"])
    write(tmp_path / "train" / "notes.md", ["no table"])
    valid = write(tmp_path / "valid.csv", ["user,click,n", "u1,1,5", "u9,0,5"])
    table = pa.table({"n": [5.0, None], "click": [True, False], "user": ["u3", None]})
    parquet.write_table(table, tmp_path / "test.parquet")
    schema = tmp_path / "schema.json"
    own_data.builder(tmp_path / "train", schema=schema, data_dir=tmp_path / "data")
    schema.write_text(
        schema.read_text().replace('["1"]', '["1", "true"]').replace('["0"]', '["0", "false"]')
    )
    builder = prepare(
        tmp_path,
        "train",
        valid_paths=valid,
        test_paths=["test.parquet"],
        raw_dir=tmp_path,
        schema=schema,
    )
    assert builder.facts("rows") == {"train": 10, "valid": 2, "test": 2}
    assert builder.encoding.fields["user"].values == ("u1", "u2", "u3")
    np.testing.assert_array_equal(features(builder, "valid"), [[1, 1], [0, 1]])
    np.testing.assert_array_equal(features(builder, "test"), [[3, 1], [0, 0]])
    np.testing.assert_array_equal(labels(builder, "test"), [1, 0])


def test_files_without_a_header(tmp_path, write):
    path = write(tmp_path / "clicks.tsv.gz", [row.replace(",", "\t") for row in ROWS])
    with pytest.raises(ValueError, match=r"clicks\.tsv\.gz, line 1: one column must be named as a"):
        own_data.builder(path, data_dir=tmp_path / "data")
    builder = prepare(tmp_path, path, columns=["y", "user", "city", "price"])
    assert sum(builder.facts("rows").values()) == 400
    with pytest.raises(ValueError, match=r"line 1: must have 3 columns\. Received: 4"):
        own_data.builder(path, columns=["y", "user", "city"], data_dir=tmp_path / "data")


def test_memory_does_not_grow_with_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr(tables, "BATCH_ROWS", 1 << 10)
    rng = np.random.default_rng(0)

    def peak(rows, ending):
        path = tmp_path / f"r{rows}{ending}"
        columns = {
            "y": rng.integers(2, size=rows),
            "x": 2 + rng.integers(400, size=rows) / 1e3 + rng.random(rows) / 1e7,
            "u": rng.integers(9, size=rows),
        }
        if ending == ".parquet":
            parquet.write_table(pa.table(columns), path, row_group_size=1 << 12)
        else:
            lines = [f"{y},{x:.9f},{u}\n" for y, x, u in zip(*columns.values(), strict=True)]
            path.write_text("".join(["y,x,u\n", *lines]))
        schema = tmp_path / "schema.json"
        builder = own_data.builder(path, schema=schema, data_dir=tmp_path / "data")
        tracemalloc.start()
        try:
            for _ in builder._generate():
                pass
            return tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes()
        finally:
            tracemalloc.stop()

    for ending in (".csv", ".parquet"):
        peak(1_000, ending)
        assert peak(48_000, ending) < 1.5 * peak(12_000, ending), ending


def test_a_column_of_weights(tmp_path, write, capsys):
    lines = ["y,user,weight", *(f"{i % 2},u{i % 5},{i / 9}" for i in range(1, 101))]
    builder = prepare(tmp_path, write(tmp_path / "a.csv", lines), split="ordered")
    assert re.search(r"weight +weight ", capsys.readouterr().out)
    assert list(builder.fields) == ["user"]
    ((_, _, weights),) = pipeline.batches(builder, "test", 99)
    np.testing.assert_array_equal(weights, np.float32(np.arange(91, 101) / 9))
    schema = next((tmp_path / "data" / "schemas").iterdir())
    for cell in ("-1", "", "NA"):
        path = write(tmp_path / "b.csv", [*lines, f"1,u1,{cell}"])
        with pytest.raises(ValueError, match=r"line 102: weight must be a number, not below 0\."):
            prepare(tmp_path, path, schema=schema)


def test_negatives_of_train_alone_are_sampled_down(tmp_path, write):
    lines = ["y,user", *(f"{int(i % 10 == 0)},u{i % 7}" for i in range(5000))]
    path, schema = write(tmp_path / "a.csv", lines), tmp_path / "schema.json"
    everything = prepare(tmp_path, path, schema=schema)
    sampled = prepare(tmp_path, path, schema=schema, negative_rate=0.25)
    for split in ("valid", "test"):
        np.testing.assert_array_equal(labels(everything, split), labels(sampled, split))
    before, after = labels(everything, "train"), labels(sampled, "train")
    assert after.sum() == before.sum()
    assert abs((after == 0).sum() / (before == 0).sum() - 0.25) < 0.03
    assert everything.logit_shift == 0
    assert sampled.logit_shift == np.log(0.25)
    counts = pipeline.counts(sampled)["user"]
    assert counts.sum() == len(after)
    for rate in (0, 1.5, True, -1, "0.5"):
        with pytest.raises(ValueError, match=r"negative_rate must be in \(0, 1\]"):
            own_data.builder(path, schema=schema, negative_rate=rate)


def test_a_byte_order_mark_without_a_header(tmp_path, write):
    lines = [row.replace("u1,", "x,") for row in ROWS]
    path = write(tmp_path / "a.csv", ["\ufeff" + lines[0], *lines[1:]])
    builder = prepare(tmp_path, path, columns=["y", "user", "city", "price"])
    assert sum(builder.facts("rows").values()) == len(ROWS)


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n"])
def test_a_header_ends_where_its_rows_end(tmp_path, end):
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(['y,"user",n', *ROWS_OF_THREE]).encode())
    builder = prepare(tmp_path, path)
    assert set(builder.fields) <= {"user", "n", "n_"}
    assert sum(builder.facts("rows").values()) == len(ROWS_OF_THREE)
