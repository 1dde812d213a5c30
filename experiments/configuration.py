"""Finding and parsing a gin file."""

import logging
import pathlib
import re
import tokenize

import gin

from experiments import gin_values

GIN_DIR = pathlib.Path(__file__).parent.parent / "gin"

gin.config.register_finalize_hook(gin_values.check)
# gin logs an error for each place without an included file, before it finds the file in the next.
logging.getLogger().addFilter(lambda record: record.msg != "Path not found: %s")


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


def parse(path, bindings, seed=None):
    """Parses a gin file and bindings over it, and a seed, where the file has a macro `SEED`.

    Raises:
        ValueError: on what gin does not take, a name that is unknown or not imported, bad syntax;
            on a value of another type than its parameter's, or out of its range; on a macro among
            the bindings that the file does not have.
    """
    gin.add_config_file_search_path(GIN_DIR.parent)
    try:
        gin.parse_config_files_and_bindings([str(path)], [], finalize_config=False)
        macros = gin_values.macros()
        gin.parse_config([] if seed is None or "SEED" not in macros else [f"SEED = {seed}"])
        gin.parse_config(bindings)
        gin_values.check_macros(bindings, macros)
        gin.finalize()
    except (NameError, AttributeError, SyntaxError, TypeError, tokenize.TokenError) as error:
        raise ValueError(f"Not a valid configuration: {error}") from error


def operative(earlier=""):
    """All values that were used, defaults included, as a gin file.

    Args:
        earlier: What another process of the same run gave, whose values are kept.
    """
    head, sections = _sections(gin.operative_config_str())
    for title, values in _sections(earlier)[1].items():
        sections[title] = values | sections.get(title, {})
    titles = sorted(
        sections, key=lambda title: (title != "Macros", title.split(".")[-1].lower(), title)
    )
    parts = [head.strip()]
    for title in titles:
        values = [value for _, value in sorted(sections[title].items())]
        parts.append("\n".join([f"# {title}:", f"# {'=' * 78}", *values]))
    return "\n\n".join(parts) + "\n"


def _sections(text):
    """What stands before the sections, and `{title: {name: its lines}}` of each."""
    head, *rest = re.split(r"^# (.+):\n# =+\n", text, flags=re.MULTILINE)
    entries = ([e for e in re.split(r"\n(?=\S)", body.strip()) if e] for body in rest[1::2])
    named = ({entry.split(" =")[0]: entry for entry in of_section} for of_section in entries)
    return head, dict(zip(rest[::2], named, strict=True))
