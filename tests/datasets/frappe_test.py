import gzip

import numpy as np
import pytest

from aim_keras.datasets import frappe, pipeline


def test_real_data_has_the_published_rows_and_the_features_of_its_train(real, tmp_path):
    folder = real("frappe")
    builder = frappe.builder(folder, tmp_path)
    builder.download_and_prepare()

    assert builder.info.metadata["rows"] == {"train": 202_027, "valid": 57_722, "test": 28_860}
    train, valid, test = (_distinct(folder, split) for split in ("train", "valid", "test"))
    assert len(train | valid | test) == 5382, "the published number of features"
    assert {field for field, _ in (valid | test) - train} == {0}, "three users are not in train"
    assert sum(builder.vocabulary_sizes.values()) == len(train) + len(frappe.FIELDS) == 5379 + 10

    features, labels = next(iter(pipeline.batches(builder, "train", 202_027)))
    assert features.shape == (202_027, 10)
    assert float(np.mean(labels)) == pytest.approx(67_604 / 202_027)
    assert features.numpy().min() == 1, "no train value is out of vocabulary"


def _distinct(folder, split):
    with gzip.open(folder / f"{split}.csv.gz", "rt") as file:
        columns = zip(*(line.rstrip("\n").split(",")[1:] for line in [*file][1:]), strict=True)
        return {(field, value) for field, column in enumerate(columns) for value in set(column)}


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train\.csv, valid\.csv, test\.csv .*baltrunas"):
        frappe.builder(tmp_path, tmp_path)
