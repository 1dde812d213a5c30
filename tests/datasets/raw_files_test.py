import pytest

from aim_keras.datasets import raw_files


def test_find_lists_missing_files_source_and_folder(tmp_path, write):
    write(tmp_path / "b.gz", ["x"])
    with pytest.raises(FileNotFoundError) as error:
        raw_files.find(tmp_path, ["a", "b", "c"], "https://example.org")
    message = str(error.value)
    assert f"in {tmp_path}: a, c (plain, .gz or .zst)" in message
    assert "from https://example.org" in message
    assert message.endswith(f"put them into {tmp_path}")


def test_find_prefers_the_plain_file(tmp_path, write):
    write(tmp_path / "a.csv", ["x"])
    (tmp_path / "a.csv.zst").write_bytes(b"packed")
    assert raw_files.find(tmp_path, ["a.csv"], "")["a.csv"].name == "a.csv"
    (tmp_path / "a.csv").unlink()
    assert raw_files.find(tmp_path, ["a.csv"], "")["a.csv"].name == "a.csv.zst"


@pytest.mark.parametrize("ending", raw_files.PACKED)
def test_a_packed_file_without_a_byte_is_none(tmp_path, ending):
    (tmp_path / f"a.csv{ending}").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"a\.csv\..* must be a packed file\. Received: no content"
    ):
        list(raw_files.read_lines(tmp_path / f"a.csv{ending}"))
