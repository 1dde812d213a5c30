import gzip

import numpy as np
import pytest

from aim_keras.datasets import avazu, pipeline

HEADER = "id,click,hour," + ",".join(avazu.FIELDS)


def _line(i, hour="14102100"):
    return f"{10**18 + i},{i % 2},{hour}," + ",".join([str(i % 3)] * 21)


def _all(builder, split):
    parts = [(x.numpy(), y.numpy()) for x, y in pipeline.batches(builder, split, 512)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def test_fields_are_the_papers_in_its_order():
    assert len(avazu.Avazu.KINDS) == 24
    assert list(avazu.Avazu.KINDS)[:3] == ["C1", "banner_pos", "site_id"]
    assert list(avazu.Avazu.KINDS)[-4:] == ["C21", "mday", "hour", "wday"]


def test_hour_becomes_day_hour_and_weekday(tmp_path, write):
    hours = ["14102100", "14102213", "14102623", "14103007"]  # Tuesday, Wednesday, Sunday, Thursday
    write(tmp_path / "train", [HEADER, *[_line(i, hours[i % 4]) for i in range(400)]])
    builder = avazu.builder(tmp_path, tmp_path / "data", min_count=1)
    builder.download_and_prepare()
    fields = builder.encoding.fields
    assert set(fields["mday"].values) == {"21", "22", "26", "30"}
    assert set(fields["hour"].values) == {"0", "13", "23", "7"}
    assert set(fields["wday"].values) == {"1", "2", "6", "3"}
    ids, _ = _all(builder, "train")
    decoded = {
        tuple(fields[n].values[i - 1] for n, i in zip(avazu.TIME_FIELDS, row, strict=True))
        for row in ids[:, -3:]
    }
    assert decoded == {("21", "0", "1"), ("22", "13", "2"), ("26", "23", "6"), ("30", "7", "3")}


@pytest.mark.parametrize("hour", ["14102124", "14023000", "2014102100", "", "1410210a"])
def test_hour_must_be_a_time(tmp_path, write, hour):
    write(tmp_path / "train.gz", [HEADER, _line(0), _line(1, hour)])
    builder = avazu.builder(tmp_path, tmp_path / "data")
    with pytest.raises(ValueError, match=r"line 3: hour must be a time as YYMMDDHH\. Received: '"):
        builder.download_and_prepare()


def test_split_is_random_disjoint_complete_and_seeded(tmp_path, write):
    write(tmp_path / "train", [HEADER, *[_line(i, "14102100") for i in range(6000)]])
    rows = {}
    for seed in (0, 0, 1):
        builder = avazu.builder(tmp_path, tmp_path / f"data{len(rows)}{seed}", 1, seed=seed)
        builder.download_and_prepare()
        counts = builder.info.metadata["rows"]
        assert sum(counts.values()) == 6000
        assert counts["test"] == pytest.approx(1200, abs=150)
        assert counts["valid"] == pytest.approx(300, abs=80)
        rows.setdefault(seed, []).append(_all(builder, "test")[0].tobytes())
    assert rows[0][0] == rows[0][1] != rows[1][0]


@pytest.mark.parametrize(
    "option", [{"valid_fraction": 0}, {"test_fraction": 0.95}, {"test_fraction": "x"}]
)
def test_fractions_are_checked(tmp_path, write, option):
    write(tmp_path / "train", [HEADER, _line(0)])
    with pytest.raises(ValueError, match="Fractions must lie in"):
        avazu.builder(tmp_path, tmp_path, **option)


def test_real_sample(real, tmp_path):
    folder = real("avazu_sample")
    builder = avazu.builder(folder, tmp_path)
    builder.download_and_prepare()
    metadata = builder.info.metadata
    assert sum(metadata["rows"].values()) == 9999
    with gzip.open(folder / "train.gz", "rt") as file:
        clicks = sum(line.split(",")[1] == "1" for line in file)
    found = sum(metadata["rows"][s] * metadata["label_mean"][s] for s in metadata["rows"])
    assert found == pytest.approx(clicks)
    ids, _ = _all(builder, "train")
    for name, column in zip(builder.field_names, ids.T, strict=True):
        counts = np.bincount(column, minlength=builder.vocabulary_sizes[name])
        assert counts[1:].min() >= 10, "a kept value occurs min_count times in train"
        assert (np.diff(counts[1:]) <= 0).all(), "ids fall by count"
