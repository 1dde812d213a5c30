import numpy as np
import pytest

from aim_keras.datasets import blocks, file_marks, pipeline
from aim_keras.datasets.config import Config
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical


class Pieces(blocks.BlockBuilder, skip_registration=True):
    """Rows numbered by their id, generated in pieces of given sizes."""

    field_names = ("row",)

    def _generate(self):
        self._encoding = Encoding({"row": Categorical(tuple(map(str, range(1, 20_000))))})
        start = 0
        for size in self.builder_config.options["sizes"]:
            ids = np.arange(start, start + size, dtype=np.int32)[:, None]
            start += size
            for split in blocks.SPLITS:
                yield split, ids, np.ones(size, np.float32)


@pytest.mark.parametrize(
    "sizes",
    [[4096], [4096, 1], [4095, 2, 1], [0, 9000], [4096, 0, 4096, 7]],
)
def test_no_row_is_lost_at_block_ends(tmp_path, sizes):
    builder = Pieces(config=Config.of({"sizes": sizes}, {}), data_dir=tmp_path)
    builder.download_and_prepare()
    for split in blocks.SPLITS:
        read = [x[:, 0] for x, _ in pipeline.batches(builder, split, 5000).as_numpy_iterator()]
        np.testing.assert_array_equal(np.concatenate(read), np.arange(sum(sizes)))
        lengths = [len(block["label"]) for block in builder.as_dataset(split=split)]
        assert lengths[:-1] == [4096] * (len(lengths) - 1)
        assert 0 < lengths[-1] <= 4096
    assert builder.info.metadata["rows"] == dict.fromkeys(blocks.SPLITS, sum(sizes))


def test_what_another_process_prepared_meanwhile_is_read(tmp_path):
    first, second = (
        Pieces(config=Config.of({"sizes": [10]}, {}), data_dir=tmp_path) for _ in range(2)
    )
    first.download_and_prepare()
    second.download_and_prepare()
    assert pipeline.rows(second, "train") == 10
    assert second.fields == first.fields


def test_what_a_killed_preparation_left_is_removed(tmp_path):
    builder = Pieces(config=Config.of({"sizes": [10]}, {}), data_dir=tmp_path)
    folder = tmp_path / "pieces" / builder.builder_config.name
    left = folder / "incomplete.ABC123_1.0.0"
    left.mkdir(parents=True)
    (left / "pieces-train.tfrecord-00000").write_bytes(b"half")
    builder.download_and_prepare()
    assert [path.name for path in folder.iterdir()] == ["1.0.0"]


def test_config_names_the_first_option_readably():
    config = Config.of({"days": (1, 2), "x": None}, {})
    readable, digest = config.name.rsplit("-", 1)
    assert readable == "days__1_2_"
    assert len(digest) == 8
    assert str(config) == config.name
    assert config.name != Config.of({"days": (1, 2), "x": 0}, {}).name


def test_large_raw_files_count_by_size_and_both_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(file_marks, "MARKED_BYTES", 4)
    path = tmp_path / "raw"
    names = []
    for content in ("aaaa....zzzz", "aaaa.zzzz", "baaa....zzzz", "aaaa....zzzy", "aaaa....zzzz"):
        path.write_text(content)
        names.append(Config.of({"x": 1}, {"raw": path}).name)
    assert len(set(names)) == 4
    assert names[0] == names[4]
