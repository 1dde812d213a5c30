import numpy as np
import pytest

from aim_keras import Field
from aim_keras.datasets import movielens100k, pipeline

HEADER = "label,user,item,age,gender,occupation,zip,release_year,genres,timestamp"
FILMS = {
    "train": ["1,1,2,20,F,none,123,1990,War|Comedy,5", "0,2,2,40,M,none,123,1990,Comedy,6"],
    "valid": ["1,1,3,30,F,none,123,,Horror|War,5"],
    "test": ["0,9,3,50,F,none,123,1991,,5"],
}


@pytest.fixture
def raw_dir(tmp_path, write):
    for split, lines in FILMS.items():
        write(tmp_path / f"{split}.csv", [HEADER, *lines])
    return tmp_path


def _prepared(raw_dir, **options):
    builder = movielens100k.builder(raw_dir, raw_dir / "data", **options)
    builder.download_and_prepare()
    splits = {s: next(iter(pipeline.batches(builder, s, 9))) for s in ("train", "valid", "test")}
    return builder, splits


def test_genres_are_lists(raw_dir):
    builder, splits = _prepared(raw_dir, combiner="sqrtn")
    assert builder.fields["genres"] == Field(3, 6, combiner="sqrtn")
    assert builder.fields["age"] == Field(3 - 1)
    genres = {split: features.numpy()[:, 7:].tolist() for split, (features, _) in splits.items()}
    pad = [-1] * 4
    assert builder.encoding.fields["genres"].values == ("Comedy", "War")
    assert genres == {
        "train": [[2, 1, *pad], [1, -1, *pad]],
        "valid": [[0, 2, *pad]],
        "test": [[-1, -1, *pad]],
    }


def test_numbers_instead_of_buckets(raw_dir):
    builder, splits = _prepared(raw_dir, numerical="dense")
    assert builder.fields["age"] == builder.fields["release_year"] == Field(1, weighted=True)
    weights = {split: weights.numpy().tolist() for split, ((_, weights), _) in splits.items()}
    assert weights == {"train": [[-1, 0], [1, 0]], "valid": [[0, 0]], "test": [[2, 1]]}
    (features, weights), label = splits["train"]
    assert (features.dtype, weights.dtype) == (np.int32, np.float32)
    assert (features.shape, weights.shape, label.shape) == ((2, 13), (2, 2), (2, 1))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"numerical": "logs"}, r"one of \('buckets', 'dense'\). Received: numerical='logs'"),
        ({"combiner": "max"}, "combiner must be one of .*Received: combiner='max'"),
    ],
)
def test_options_are_checked(raw_dir, option, message):
    with pytest.raises(ValueError, match=message):
        movielens100k.builder(raw_dir, raw_dir, **option)


def test_real_data(real, tmp_path):
    builder = movielens100k.builder(real("movielens100k"), tmp_path)
    builder.download_and_prepare()
    assert builder.name == "movielens100k"
    assert builder.info.metadata["rows"] == {"train": 80_000, "valid": 10_000, "test": 10_000}
    sizes = builder.vocabulary_sizes
    assert list(sizes) == list(movielens100k.MovieLens100K.KINDS)
    assert (sizes["user"], sizes["gender"], sizes["occupation"]) == (944, 3, 22)
    assert sizes["genres"] == 20, "19 genres, unknown among them"
    assert builder.fields["genres"] == Field(20, 6, combiner="mean")
    assert 30 < sizes["age"] < 63
    assert builder.encoding.fields["release_year"].has_missing
    total = sum(len(y) for _, y in pipeline.batches(builder, "valid", 999))
    assert total == 10_000


def test_age_must_be_an_integer(tmp_path, write):
    for split in ("train", "valid", "test"):
        write(tmp_path / f"{split}.csv", [HEADER, "1,1,2,old,F,none,123,1990,War,5"])
    builder = movielens100k.builder(tmp_path, tmp_path / "data")
    with pytest.raises(ValueError, match=r"train\.csv, line 2: age must be an integer .*'old'"):
        builder.download_and_prepare()
