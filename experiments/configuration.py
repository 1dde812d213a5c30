"""Finding and parsing a gin file."""

import pathlib
import tokenize

import gin

from experiments.gin_values import check

GIN_DIR = pathlib.Path(__file__).parent.parent / "gin"

gin.config.register_finalize_hook(check)


def gin_path(name):
    """The file of that name in gin/, or else at that path.

    Raises:
        FileNotFoundError: if there is neither.
    """
    for path in (GIN_DIR / name, pathlib.Path(name)):
        if path.is_file():
            return path
    there = sorted(str(path.relative_to(GIN_DIR)) for path in GIN_DIR.glob("*.gin"))
    raise FileNotFoundError(
        f"gin_file must be a file in {GIN_DIR} or a path. Received: {name}. There are: {there}"
    )


def parse(path, bindings):
    """Parses a gin file and bindings over it.

    Raises:
        ValueError: on what gin does not take, a name that is unknown or not imported, bad syntax;
            on a value of another type than its parameter's, or out of its range.
    """
    gin.add_config_file_search_path(GIN_DIR.parent)
    try:
        gin.parse_config_files_and_bindings([str(path)], bindings)
    except (NameError, AttributeError, SyntaxError, TypeError, tokenize.TokenError) as error:
        raise ValueError(f"Not a valid configuration: {error}") from error
