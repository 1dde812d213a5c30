"""Writing that leaves either the whole new thing or what stood there before."""

import contextlib
import logging
import os
import pathlib
import re
import shutil

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TEMPORARY = re.compile(r"\.(old\.)?[0-9]+\.(.+)")  # whether it was to be replaced, its name


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` to `path` under a temporary name, then renames it into place."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_writable(folder: str | os.PathLike) -> None:
    """Raises `PermissionError` where a folder that may not exist yet cannot be made or written in.

    Nothing is made.
    """
    folder = pathlib.Path(folder).absolute()
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"A folder must be one that can be written in. Received: {folder}, of which {there} "
            f"{'cannot be' if there.is_dir() else 'is no folder'}"
        )


@contextlib.contextmanager
def new_file(path: str | os.PathLike):
    """Yields a temporary path, whose file becomes `path`, replacing it, if the body succeeds."""
    with _cleared_on_error(path) as (path, temporary):
        yield temporary
        _sync(temporary)
        temporary.replace(path)


@contextlib.contextmanager
def new_directory(path: str | os.PathLike):
    """Yields an empty temporary folder that becomes `path`, replacing it, if the body succeeds.

    Whatever stands at `path` is removed. Where a process is killed between the two renames, the
    next `locked` puts the old folder back.
    """
    with _cleared_on_error(path) as (path, temporary):
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        _replace_directory(path, temporary)


@contextlib.contextmanager
def locked(folder: str | os.PathLike, wait: bool = False):
    """Makes a folder, and this process the only one that writes in it until the body ends.

    The lock goes with the process, killed or not. What earlier processes left under temporary names
    is removed, or put back where they were replacing it. On a file system without locks there is
    none.

    Args:
        folder: Path.
        wait: Whether to wait for another process that holds it.

    Raises:
        BlockingIOError: if another process holds it and `wait` is false.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    opened = os.open(folder, os.O_RDONLY) if fcntl else None
    try:
        if fcntl:
            _lock(opened, folder, wait)
        for path in sorted(folder.rglob(".*")):
            if found := TEMPORARY.fullmatch(path.name):
                _clear(path, *found.groups())
        yield
    finally:
        if fcntl:
            os.close(opened)


def _lock(opened, folder, wait):
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise BlockingIOError(
            f"A folder must be written by one process at a time. Received: {folder}, in which "
            "another one is at work"
        ) from None
    except OSError:  # a file system without locks
        logging.getLogger(__name__).warning("%s is on a file system without locks", folder)


def _clear(path, is_old, name):
    """Removes what a killed process left, or puts back what it was replacing by nothing as yet."""
    place = path.with_name(name)
    if is_old and path.exists() and not place.exists():
        path.rename(place)
    else:
        remove(path)


def remove(path: str | os.PathLike) -> None:
    """Removes a file or a folder that may be there."""
    path = pathlib.Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _cleared_on_error(path):
    """The path, whose folder is made, and a temporary one beside it, of the same suffix."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    remove(temporary)  # a killed process may have had the same number
    try:
        yield path, temporary
    except BaseException:
        remove(temporary)
        raise


def _sync(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _replace_directory(path, new):
    old = new.with_name(f".old{new.name}")
    if path.exists():
        remove(old)
        path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        if old.exists():
            old.rename(path)
        raise
    remove(old)
