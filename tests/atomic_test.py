import multiprocessing
import os
import pathlib
import signal
import threading

import pytest

from aim_keras import atomic


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fail(*arguments, **options):
    raise OSError("disk full")


def test_write_text(tmp_path):
    path = tmp_path / "new" / "a.json"
    atomic.write_text(path, "größe\n")
    atomic.write_text(path, "second\n")
    assert path.read_text() == "second\n"
    assert names(path.parent) == ["a.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_write_text_that_fails_leaves_the_old(step, tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    atomic.write_text(path, "old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        atomic.write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_a_folder_that_cannot_be_written_in(tmp_path, monkeypatch):
    atomic.check_writable(tmp_path / "new" / "folder")
    (tmp_path / "file").write_text("")
    with pytest.raises(PermissionError, match=r"new, of which .*/file is no folder"):
        atomic.check_writable(tmp_path / "file" / "new")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(PermissionError, match=r"new/folder, of which .* cannot be$"):
        atomic.check_writable(tmp_path / "new" / "folder")
    assert names(tmp_path) == ["file"]


def write_folder(path, name):
    with atomic.new_directory(path) as folder:
        (folder / name).write_text(name)


def test_new_directory_replaces_the_old(tmp_path):
    path = tmp_path / "deep" / "1"
    write_folder(path, "old")
    write_folder(path, "new")
    assert names(path) == ["new"]
    assert names(path.parent) == ["1"]
    assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", ["file", "link"])
def test_new_directory_replaces_what_is_no_folder(kind, tmp_path):
    path, linked = tmp_path / "1", tmp_path / "linked"
    write_folder(linked, "kept")
    path.write_text("old") if kind == "file" else path.symlink_to(linked)
    write_folder(path, "new")
    assert names(path) == ["new"]
    assert names(linked) == ["kept"]
    assert names(tmp_path) == ["1", "linked"]


def test_new_directory_has_its_files_on_disk_before_it_replaces(tmp_path, monkeypatch):
    path = tmp_path / "1"
    write_folder(path, "old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_folder(path, "new")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["1"]


def test_a_killed_process_of_the_same_number_is_not_in_the_way(tmp_path):
    path = tmp_path / "1"
    write_folder(path, "old")
    for left in (f".{os.getpid()}.1", f".old.{os.getpid()}.1"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "half").write_text("")
    write_folder(path, "new")
    assert names(path) == ["new"]
    assert names(tmp_path) == ["1"]


def test_new_directory_is_not_there_before_its_end(tmp_path):
    path = tmp_path / "1"
    with atomic.new_directory(path) as folder:
        (folder / "half").write_text("")
        assert not path.exists()
    assert names(path) == ["half"]


@pytest.mark.parametrize("old", [False, True])
def test_body_that_fails_leaves_the_old(old, tmp_path):
    path = tmp_path / "1"
    if old:
        write_folder(path, "old")

    def write_and_fail():
        with atomic.new_directory(path) as folder:
            (folder / "half").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert names(tmp_path) == (["1"] if old else [])
    assert not old or names(path) == ["old"]


def test_rename_that_fails_leaves_the_old(tmp_path, monkeypatch):
    path = tmp_path / "1"
    write_folder(path, "old")
    rename = pathlib.Path.rename

    def only_away(self, target):
        return (
            fail()
            if pathlib.Path(target) == path and (self / "new").exists()
            else rename(self, target)
        )

    monkeypatch.setattr(pathlib.Path, "rename", only_away)
    with pytest.raises(OSError, match="disk full"):
        write_folder(path, "new")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["1"]


def test_new_file_has_the_suffix_of_its_end(tmp_path):
    with atomic.new_file(tmp_path / "model.keras") as path:
        assert path.suffix == ".keras"
        path.write_bytes(b"whole")
        assert not (tmp_path / "model.keras").exists()
    assert (tmp_path / "model.keras").read_bytes() == b"whole"


def test_a_lock_clears_what_was_left_half_written(tmp_path):
    left = [tmp_path / "stages" / ".123.metrics.json", tmp_path / "saved_model" / ".77.1"]
    kept = [tmp_path / name for name in ("metrics.json", ".hidden", ".old.json", "1.5")]
    for path in (left[0], *kept):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (left[1] / "variables").mkdir(parents=True)
    with atomic.locked(tmp_path):
        assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def kill_between_the_renames(path):
    def rename(self, target, away=pathlib.Path.rename):
        away(self, target)
        os.kill(os.getpid(), signal.SIGKILL)

    pathlib.Path.rename = rename
    write_folder(path, "new")


def test_a_lock_puts_back_what_a_killed_process_was_replacing(tmp_path):
    path = tmp_path / "saved_model" / "1"
    write_folder(path, "old")
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=kill_between_the_renames, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not path.exists()
    with atomic.locked(tmp_path):
        assert names(path) == ["old"]
        assert names(path.parent) == ["1"]


def test_a_lock_clears_what_is_replaced(tmp_path):
    for folder in ("1", ".old.77.1"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / folder).write_text("")
    with atomic.locked(tmp_path):
        assert names(tmp_path) == names(tmp_path / "1") == ["1"]


def hold(folder, held, over):
    with atomic.locked(folder):
        held.set()
        over.wait()


def test_one_process_at_a_time(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, over = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, over))
    other.start()
    assert held.wait(60)
    with (
        pytest.raises(BlockingIOError, match=f"one process at a time. Received: {tmp_path}"),
        atomic.locked(tmp_path),
    ):
        pass
    threading.Timer(0.2, other.kill).start()
    with atomic.locked(tmp_path, wait=True):
        other.join()
        assert other.exitcode == -9


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), atomic.locked(tmp_path / "file" / "run"):
        pass
