import numpy as np
import pytest

from aim_keras.export import export_saved_model
from aim_keras.models import LR

SIZES = {"a": 10, "b": 5}
IDS = np.array([[1, 2], [9, 4]])


def contents(folder):
    return {str(p.relative_to(folder)): p.is_file() and p.read_bytes() for p in folder.rglob("*")}


def file(path):
    path.write_text("mine")


def folder(path):
    path.mkdir()
    (path / "notes.txt").write_text("mine")


def versions(path):
    for version in ("1", "2"):
        (path / version).mkdir(parents=True)
        (path / version / "saved_model.pb").write_text("of before")


def dangling_link(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [file, folder, versions, dangling_link])
def test_nothing_but_a_saved_model_is_replaced(make, tmp_path):
    path = tmp_path / "ctr"
    make(path)
    before = contents(tmp_path)
    received = f"path must be .*Received: path='{path}', which is a f"
    with pytest.raises(FileExistsError, match=received):
        export_saved_model(None, SIZES, path, IDS)
    assert contents(tmp_path) == before


def test_an_empty_folder_is_replaced(tmp_path):
    (tmp_path / "1").mkdir()
    export_saved_model(LR(SIZES), SIZES, tmp_path / "1", IDS)
    assert (tmp_path / "1" / "saved_model.pb").exists()
