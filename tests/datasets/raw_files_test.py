import gzip
import tracemalloc

import pyarrow as pa
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


def _packed(path, text):
    packed = {".gz": gzip.compress, ".zst": lambda text: pa.compress(text, "zstd", asbytes=True)}
    path.write_bytes(packed.get(path.suffix, bytes)(text))


@pytest.mark.parametrize("ending", ["", *raw_files.PACKED])
def test_a_line_may_be_as_long_as_the_limit_wherever_it_begins(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 64)
    monkeypatch.setattr(raw_files, "LINE_BYTES", 100)
    path = tmp_path / f"a.csv{ending}"
    for before in range(0, 130, 7):
        first = b"y\n" * (before // 2)
        for end in (b"", b"\n", b"\nz\n"):
            _packed(path, first + b"x" * 100 + end)
            pieces, counts = zip(*raw_files.read_lines(path), strict=True)
            assert b"".join(pieces) == first + b"x" * 100 + end
            assert sum(counts) == before // 2 + 1 + (end == b"\nz\n")
            _packed(path, first + b"x" * 101 + end)
            rule = rf"a\.csv.*, line {before // 2 + 1}: must have at most 100 bytes\. Received: 101"
            with pytest.raises(ValueError, match=rule):
                list(raw_files.read_lines(path))


@pytest.mark.parametrize("ending", ["", *raw_files.PACKED])
def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr(raw_files, "LINE_BYTES", 1 << 18)
    _packed(tmp_path / f"a.csv{ending}", b"label,n\n" + b"0" * (1 << 25))
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"a\.csv{ending}, line 2: must have at most 262,144"):
        list(raw_files.read_lines(tmp_path / f"a.csv{ending}"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 21


MEMBER = gzip.compress(b"1,2\n" * 50_000, mtime=0)
OF_ALL_BYTES = gzip.compress(bytes(range(256)) * 3000, mtime=0)


@pytest.mark.parametrize(
    "packed",
    [
        MEMBER,
        MEMBER + OF_ALL_BYTES + MEMBER,
        MEMBER + bytes(100_000),
        MEMBER + bytes(70_000) + MEMBER,
        gzip.compress(b"", mtime=0) + MEMBER,
        gzip.compress(b"", mtime=0),
        gzip.compress(bytes(5_000_000)),
    ],
)
def test_gzip_is_unpacked_as_by_python(tmp_path, packed):
    (tmp_path / "a.gz").write_bytes(packed)
    read = b"".join(data for data, _ in raw_files.read_lines(tmp_path / "a.gz"))
    assert read == gzip.decompress(packed)


def _changed(place, byte):
    return MEMBER[:place] + bytes([byte]) + MEMBER[place + 1 :]


@pytest.mark.parametrize(
    ("packed", "error"),
    [
        (MEMBER[:-1], "cut off"),
        (MEMBER[:-9], "cut off"),
        (MEMBER[:5], "cut off"),
        (MEMBER + MEMBER[:5], "cut off"),
        (MEMBER + b"x", "incorrect header check|cut off"),
        (_changed(3, 0x80), "unknown header flags set"),
        (_changed(3, 0x02), "header crc mismatch"),
        (_changed(len(MEMBER) - 1, 9), "incorrect length check"),
        (_changed(len(MEMBER) - 5, MEMBER[-5] ^ 1), "incorrect data check"),
        (bytes(10) + MEMBER, "incorrect header check"),
    ],
)
def test_damaged_gzip_is_refused(tmp_path, packed, error):
    (tmp_path / "a.gz").write_bytes(packed)
    with pytest.raises(ValueError, match=rf"a\.gz, after line \d+: must be readable .*({error})"):
        list(raw_files.read_lines(tmp_path / "a.gz"))
