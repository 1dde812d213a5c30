"""Which files the paths, folders and patterns of a user's own data lead to."""

import pytest

from aim_keras.datasets import own_files

FILES = (
    "clicks/_SUCCESS",
    "clicks/_temporary/0/day=2/part-0.parquet",
    "clicks/day=1/part-0.parquet",
    "clicks/day=1/.part-0.parquet",
    "clicks/day=2/_part-1.csv",
    "clicks/day=2/b_1.csv.gz",
    "clicks/day=10/part-0.parquet",
    "clicks/.day=3/part-0.parquet",
    "clicks/_x=1/part-0.parquet",
)


@pytest.fixture
def found(tmp_path, write):
    """The files that paths lead to, below a folder that is hidden itself."""
    for name in FILES:
        write(tmp_path / "_raw" / name, ["y,u"])

    def find(paths):
        files = own_files.find(paths, None, None, tmp_path / "_raw")
        return [
            path.relative_to(tmp_path / "_raw" / "clicks").as_posix() for path in files.values()
        ]

    return find


DAYS = ["day=1/part-0.parquet", "day=2/b_1.csv.gz", "day=10/part-0.parquet"]


@pytest.mark.parametrize("paths", ["clicks", ".", "clicks/**/*", "clicks/*/*", "clicks/*"])
def test_hidden_files_are_left_out(found, paths):
    assert found(paths) == ["_x=1/part-0.parquet", *DAYS]


@pytest.mark.parametrize(
    "name", ["clicks/day=1/.part-0.parquet", "clicks/_temporary/0/day=2/part-0.parquet"]
)
def test_a_file_that_is_named_outright_is_taken(found, name):
    assert found([name]) == [name.removeprefix("clicks/")]


def test_a_folder_or_a_pattern_that_asks_for_hidden_files(found):
    assert found("clicks/_temporary") == ["_temporary/0/day=2/part-0.parquet"]
    assert found("clicks/*/_*.csv") == ["day=2/_part-1.csv"]
    assert found("clicks/day=1/.*") == ["day=1/.part-0.parquet"]


def test_folders_that_a_pattern_matches(found):
    assert found("clicks/day=*") == DAYS
    assert found("*/day=[1-9]") == DAYS[:2]


def test_a_folder_of_nothing_else(found):
    with pytest.raises(FileNotFoundError, match=r"none whose name begins with '_' or '\.'\)\. Rec"):
        found("clicks/day=2/*.csv")
