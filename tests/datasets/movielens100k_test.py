import pytest

from aim_keras.datasets import movielens100k, pipeline


def test_real_data(real, tmp_path):
    builder = movielens100k.builder(real("movielens100k"), tmp_path)
    builder.download_and_prepare()
    assert builder.name == "movielens100k"
    assert builder.info.metadata["rows"] == {"train": 80_000, "valid": 10_000, "test": 10_000}
    sizes = builder.vocabulary_sizes
    assert list(sizes) == list(movielens100k.KINDS)
    assert (sizes["user"], sizes["gender"], sizes["occupation"]) == (944, 3, 22)
    assert sizes["genres"] == 217, "a combination of genres is one category"
    assert 30 < sizes["age"] < 63
    assert builder.encoding.fields["release_year"].has_missing
    total = sum(len(y) for _, y in pipeline.batches(builder, "valid", 999))
    assert total == 10_000


def test_age_must_be_an_integer(tmp_path, write):
    header = "label,user,item,age,gender,occupation,zip,release_year,genres,timestamp"
    for split in ("train", "valid", "test"):
        write(tmp_path / f"{split}.csv", [header, "1,1,2,old,F,none,123,1990,War,5"])
    builder = movielens100k.builder(tmp_path, tmp_path / "data")
    with pytest.raises(ValueError, match=r"train\.csv, line 2: age must be an integer .*'old'"):
        builder.download_and_prepare()
