"""One reader under test, and the verdict on what it makes of one input."""

import pathlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.fuzzing import mutation

ACCEPTED, REFUSED = "accepted", "refused"
REFUSALS = (ValueError, OSError)


@dataclass(frozen=True)
class Target:
    """A reader of one file.

    Args:
        file: Name of the file that the reader is given.
        seeds: Valid contents.
        read: Path -> what the reader makes of it, in a form that compares.
        plain: Content -> what must come of it, by a definition that is slow and plain; raises
            `ValueError` where the content must be refused.
        mutate: Out of `mutation`.
        exact: Whether all that `plain` takes must be accepted, too.
        errors: The classes of errors that are words for the user.
        names_file: Whether an error must name the file.
    """

    file: str
    seeds: Sequence[bytes]
    read: Callable[[pathlib.Path], object]
    plain: Callable[[bytes], object]
    mutate: Callable[[random.Random, Sequence[bytes]], bytes] = mutation.mutated
    exact: bool = False
    errors: tuple[type[Exception], ...] = REFUSALS
    names_file: bool = True

    def input(self, name: str, seed: int, number: int) -> bytes:
        """The content with that number; it depends on nothing else."""
        return self.mutate(random.Random(f"{name} {seed} {number}"), self.seeds)


def verdict(target: Target, data: bytes, folder: pathlib.Path) -> str:
    """`ACCEPTED`, `REFUSED`, or else what is wrong."""
    path = folder / target.file
    path.write_bytes(data)
    try:
        found = target.read(path)
    except Exception as error:
        return _of_error(target, data, path, error)
    try:
        expected = target.plain(data)
    except ValueError as error:
        return f"accepted what must be refused: {error}"
    return ACCEPTED if found == expected else f"read {found!r:.2000} for {expected!r:.2000}"


def _of_error(target, data, path, error):
    shown = f"{type(error).__name__}: {error!s:.500}"
    if not isinstance(error, target.errors):
        return f"ended with {shown}"
    if type(error).__module__.split(".")[0] in ("pyarrow", "zlib", "json"):
        return f"ended with a library's {shown}"
    if not str(error).strip():
        return f"has no words: {shown}"
    if target.names_file and path.name not in str(error):
        return f"does not name the file: {shown}"
    if target.exact:
        try:
            target.plain(data)
        except ValueError:
            return REFUSED
        return f"refused what is well-formed: {shown}"
    return REFUSED
