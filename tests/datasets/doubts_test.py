"""What is said of a prepared data set that its user may not know."""

import json
import logging
import pathlib

import pytest

from aim_keras.datasets import doubts, own_data
from aim_keras.datasets.schema import Schema

COLUMNS = {
    "y": {"kind": "label", "positive": ["1"], "negative": ["0"]},
    "item": {"kind": "categorical"},
    "tags": {"kind": "multi_categorical", "separator": "|", "max_length": 3},
    "bid": {"kind": "decimal"},
    "age": {"kind": "dense"},
    "day": {"kind": "categorical"},
}


def prepared(tmp_path, write, valid, test=None):
    """Of train items i0, i1, i2 of day 1, with other rows for valid, and maybe for test."""
    train = "1,i{},a|b,{},3,1"
    parts = {"train": train, "valid": valid, "test": test or train}
    paths = {
        part: write(tmp_path / f"{part}.csv", [",".join(COLUMNS), "0,i0,a,1,1,1"]) for part in parts
    }
    for part, row in parts.items():
        with open(paths[part], "a") as file:
            file.writelines(row.format(i % 3, i) + "\n" for i in range(99))
    schema = tmp_path / "schema.json"
    Schema(COLUMNS).save(schema)
    folders = {"schema": schema, "data_dir": tmp_path / "data"}
    builder = own_data.builder(
        paths["train"], valid_paths=paths["valid"], test_paths=paths["test"], **folders
    )
    builder.download_and_prepare()
    return builder


def test_fields_that_are_out_of_vocabulary_in_valid_are_named_once(tmp_path, write, caplog):
    with caplog.at_level(logging.WARNING):
        builder = prepared(tmp_path, write, valid="1,{}.0,c|d||,,9,7")
    (said,) = [r.getMessage() for r in caplog.records if "out of vocabulary" in r.getMessage()]
    for name, share in {"item": 99.0, "tags": 99.5, "bid": 99.0, "day": 99.0}.items():
        assert f"'{name}' in 0.0% of train, {share}% of valid, 0.0% of test" in said
    assert "age" not in said
    assert builder.doubts == [said.removeprefix("own_data: ")]


def test_those_of_test_alone_are_named(tmp_path, write):
    (said,) = prepared(tmp_path, write, "1,i{},a,{},3,1", test="1,i{},a,{},3,8").doubts
    assert "'day' in 0.0% of train, 0.0% of valid, 99.0% of test." in said


def test_by_an_encoding_of_other_rows_train_may_be_out_of_vocabulary_too():
    shares = {"train": 0.9, "valid": 0.9, "test": 0.9}
    assert not doubts.of({"out_of_vocabulary": {"item": shares}})
    (said,) = doubts.of({"out_of_vocabulary": {"item": shares}, "options": {"encoding": "0af1"}})
    assert "'item' in 90.0% of train, 90.0% of valid" in said


def test_a_field_that_is_no_worse_than_in_train_is_not_named():
    shares = {"often": (0.4, 0.69, 0.6), "few": (0.0, 0.5, 0.5), "new": (0.4, 0.71, 0.0)}
    facts = {k: dict(zip(("train", "valid", "test"), v, strict=True)) for k, v in shares.items()}
    (said,) = doubts.of({"out_of_vocabulary": facts})
    assert said.count("of train") == 1
    assert "'new' in 40.0% of train, 71.0% of valid, 0.0% of test" in said


def test_data_that_were_prepared_before_there_were_such_facts_are_read(tmp_path, write):
    builder = prepared(tmp_path, write, valid="1,{}.0,c,,9,7")
    path = pathlib.Path(builder.data_dir) / "metadata.json"
    content = json.loads(path.read_text())
    new = ("out_of_vocabulary", "parsed_rows")
    content = {key: value for key, value in content.items() if key not in new}
    content["skipped_rows"]["train.csv"] = 7
    path.write_text(json.dumps(content))
    again = own_data.OwnData(config=builder.builder_config, data_dir=tmp_path / "data")
    again.download_and_prepare()
    assert again.doubts == ["skipped 7 malformed lines of train.csv"]
    content["out_of_vocabulary"] = {"item": {"train": "many"}}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"undamaged.*item must be numbers\. Received: 'many'"):
        own_data.OwnData(config=builder.builder_config, data_dir=tmp_path / "data")


def test_the_files_with_most_malformed_lines_come_first():
    skipped = {f"{i}.csv": i for i in range(9)}
    said = doubts.of({"skipped_rows": skipped, "parsed_rows": dict.fromkeys(skipped, 2000)})
    assert said[0] == "skipped 8 malformed lines of 8.csv, 0.40%"
    assert said[4:] == [
        "skipped 4 malformed lines of 4.csv, 0.20%",
        "skipped 6 malformed lines of 3 other files",
    ]
