import gzip

import numpy as np
import pytest

from aim_keras.datasets import criteo_display, pipeline
from aim_keras.datasets.criteo_display import CATEGORICAL, NUMERICAL


def _line(label, number, i=0):
    return "\t".join([str(label), *[str(number)] * 13, *[f"{i % 4:08x}"] * 26])


def _days(folder, write, days, rows=2000):
    for day in days:
        lines = [_line(int(i % 20 == 0), i % 50, i + day) for i in range(rows)]
        write(folder / f"day_{day}.gz", lines)


def _all(builder, split):
    parts = [(x.numpy(), y.numpy()) for x, y in pipeline.batches(builder, split, 512)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def test_days_split_and_negatives_sampled_down_before_counting(tmp_path, write):
    _days(tmp_path, write, (3, 4, 5))
    builder = criteo_display.builder(tmp_path, tmp_path / "data", train_days=(3, 4), test_days=(5,))
    builder.download_and_prepare()
    metadata = builder.info.metadata
    rows = metadata["rows"]
    assert rows["train"] + rows["valid"] == pytest.approx(400, abs=60)
    assert rows["test"] == pytest.approx(200, abs=40)
    for split in ("train", "test"):
        assert metadata["label_mean"][split] == pytest.approx(0.5, abs=0.12)
        _, labels = _all(builder, split)
        assert labels.mean() == pytest.approx(metadata["label_mean"][split])
    positives = sum(rows[s] * metadata["label_mean"][s] for s in rows)
    assert positives == pytest.approx(300), "every positive is kept"


@pytest.mark.parametrize(("positive_rate", "kept"), [(0.5, False), (None, True)])
def test_values_are_counted_after_the_sampling(tmp_path, write, positive_rate, kept):
    lines = [_line(int(i % 20 == 0), 1, i) for i in range(2000)]
    lines += [_line(0, 1).replace("00000000", "cafe")] * 60  # in negatives alone
    for day in (1, 2):
        write(tmp_path / f"day_{day}", lines)
    builder = criteo_display.builder(
        tmp_path,
        tmp_path / "data",
        min_count=20,
        train_days=[1],
        test_days=[2],
        positive_rate=positive_rate,
    )
    builder.download_and_prepare()
    assert ("cafe" in builder.encoding.fields["C1"].values) == kept
    rows = sum(builder.info.metadata["rows"].values())
    assert rows == 4120 if kept else 300 < rows < 500


@pytest.mark.parametrize(("positive_rate", "kept"), [(0.5, 100), (0.25, 300), (0.8, 25)])
def test_negatives_are_kept_in_the_share_that_makes_the_rate(tmp_path, write, positive_rate, kept):
    write(tmp_path / "day_1", [_line(int(i % 5 == 0), 1) for i in range(500)])
    write(tmp_path / "day_2", [_line(1, 1)])
    builder = criteo_display.builder(
        tmp_path, tmp_path, train_days=[1], test_days=[2], positive_rate=positive_rate
    )
    builder._surveys = {"day_1": builder._survey("day_1")}
    draws = np.stack([np.zeros(400), np.arange(400) / 400], axis=1)
    assert builder._surveys == {"day_1": (100, 500)}
    assert builder._keep("day_1")([b"0\t1"] * 400, draws).tolist() == [*range(kept)]


def test_days_are_read_beside_a_kaggle_sample_where_they_are_asked_for(tmp_path, write):
    for name in ("train.txt", "day_1", "day_2"):
        write(tmp_path / name, [_line(1, 1)])
    options = {"train_days": [1], "test_days": [2]}
    for source, files in {None: ["train.txt"], "days": ["day_1", "day_2"]}.items():
        builder = criteo_display.builder(tmp_path, tmp_path, source=source, **options)
        assert [*builder.builder_config.files] == files


def test_a_day_is_sampled_alike_whatever_other_days_are_used(tmp_path, write):
    _days(tmp_path, write, (1, 2, 3))
    test_rows = []
    for train_days in [(1,), (1, 2)]:
        builder = criteo_display.builder(
            tmp_path, tmp_path / "data", 1, 10**6, train_days=train_days, test_days=(3,)
        )
        builder.download_and_prepare()
        test_rows.append(_all(builder, "test")[1].tobytes())
    assert test_rows[0] == test_rows[1]


def test_missing_days_are_listed(tmp_path, write):
    _days(tmp_path, write, (6, 8, 13), rows=1)
    with pytest.raises(FileNotFoundError, match=r": day_7, day_9, day_10, day_11, day_12 \(plain"):
        criteo_display.builder(tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match=r": train\.txt \(plain, .* from .*criteo"):
        criteo_display.builder(tmp_path, tmp_path, source="kaggle")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"train_days": (1, 2), "test_days": (2,)}, "no day twice"),
        ({"test_days": ()}, "non-empty"),
        ({"positive_rate": 1.0}, r"positive_rate must be None or in \(0, 1\)"),
        ({"source": "web"}, "source must be"),
        ({"bucket_count": 0}, "bucket_count must be an integer >= 1"),
        ({"seed": -1}, "seed must be an integer >= 0"),
    ],
)
def test_options_are_checked(tmp_path, option, message):
    with pytest.raises(ValueError, match=message):
        criteo_display.builder(tmp_path, tmp_path, **option)


def test_numbers_are_bucketed_with_missing_below_all(tmp_path, write):
    lines = [_line(i % 2, "" if i % 4 == 0 else i % 4 - 2) for i in range(1000)]
    write(tmp_path / "train.txt", lines)
    builder = criteo_display.builder(tmp_path, tmp_path / "data")
    builder.download_and_prepare()
    field = builder.encoding.fields["I2"]
    np.testing.assert_array_equal(field.encode(["", "-1", "0", "1", "50"]), [1, 2, 3, 4, 4])
    assert list(builder.vocabulary_sizes) == [*NUMERICAL, *CATEGORICAL]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (_line(1, 5) + "\tx", "must have 40 columns. Received: 41"),
        (_line(1, "5.5"), "I1 must be an integer"),
        (_line(3, 5), "label must be 0 or 1. Received: '3'"),
    ],
)
def test_malformed_line(tmp_path, write, line, message):
    write(tmp_path / "train.txt.gz", [*[_line(0, 1)] * 99, line])
    builder = criteo_display.builder(tmp_path, tmp_path / "data")
    with pytest.raises(ValueError, match=rf"train\.txt\.gz, line 100: {message}"):
        builder.download_and_prepare()


def test_real_kaggle_sample(real, tmp_path):
    folder = real("criteo_sample")
    builder = criteo_display.builder(folder, tmp_path)
    builder.download_and_prepare()
    metadata = builder.info.metadata
    assert builder.name == "criteo_display"
    assert list(metadata["raw_files"]) == ["train.txt.gz"]
    rows = metadata["rows"]
    assert sum(rows.values()) == 10_000
    assert rows["valid"] == pytest.approx(1000, abs=120)
    assert rows["test"] == pytest.approx(1000, abs=120)
    positives = sum(rows[s] * metadata["label_mean"][s] for s in rows)
    assert positives == pytest.approx(2182), "the Kaggle sample is not sampled again"
    ids, _ = _all(builder, "train")
    for name, column in zip(builder.field_names, ids.T, strict=True):
        counts = np.bincount(column, minlength=builder.vocabulary_sizes[name])
        if name in NUMERICAL:
            assert counts[1:-1].min() > 40
            assert counts[0] == 0
        else:
            assert counts[1:].min() >= 20


def test_real_day(real, tmp_path):
    for day in (0, 1):
        (tmp_path / f"day_{day}.gz").symlink_to(real("criteo_sample").resolve() / "day_0.gz")
    builder = criteo_display.builder(
        tmp_path, tmp_path / "data", 2, train_days=(0,), test_days=(1,), valid_fraction=0.3
    )
    builder.download_and_prepare()
    with gzip.open(tmp_path / "day_0.gz", "rt") as file:
        positives = sum(line.startswith("1\t") for line in file)
    metadata = builder.info.metadata
    assert metadata["rows"]["test"] * metadata["label_mean"]["test"] == pytest.approx(positives)
    assert metadata["rows"]["test"] < 4 * positives < 1000
