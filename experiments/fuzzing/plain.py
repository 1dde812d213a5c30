"""The definition of what the text readers read: slow, plain, a character at a time."""

import datetime
import json
import zlib
from collections.abc import Callable, Mapping

MARK = "\ufeff"
LARGEST_FLOAT32 = 3.4028234663852886e38


def lines_of(text: bytes) -> list[bytes]:
    """The lines; the last one needs no end."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    return lines if lines[-1] else lines[:-1]


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of a line; those that begin with a double quote may hold the separator.

    Raises:
        ValueError: if a quoted cell does not end.
    """
    cells, cell, quoted, at_start, i = [], "", False, True, 0
    while i < len(line):
        character = line[i]
        if quoted and line[i : i + 2] == '""':
            cell += '"'
            i += 1
        elif quoted and character == '"':
            quoted = False
        elif quoted:
            cell += character
        elif character == '"' and at_start:
            quoted = True
        elif character == separator:
            cells.append(cell)
            cell = ""
        else:
            cell += character
        at_start = not quoted and character == separator
        i += 1
    if quoted:
        raise ValueError("a quoted cell that does not end")
    return [*cells, cell]


def header_of(text: bytes, separator: str) -> list[str]:
    """The cells of the first line, which may be quoted.

    Raises:
        ValueError: if it is no UTF-8 or not well-formed.
    """
    (line, *_) = lines_of(text) or [b""]
    return cells_of(line.removeprefix(MARK.encode()).decode(), separator)


def rows_of(
    text: bytes,
    rules: Mapping[str, Callable[[str], bool] | None],
    separator: str,
    header: bool,
    quoted: bool = False,
) -> tuple[list[list[str]], int]:
    """The well-formed rows of a file, and the number of malformed ones.

    Raises:
        ValueError: if the first line is no such header.
    """
    lines = lines_of(text)
    if lines and quoted:
        lines[0] = lines[0].removeprefix(MARK.encode())
    split = cells_of if quoted else str.split
    if lines and header and split(lines.pop(0).decode(), separator) != list(rules):
        raise ValueError("another header")
    if quoted and len(rules) > 1:
        lines = [line for line in lines if line]
    rows = [row for line in lines if (row := _row(line, rules, separator, quoted))]
    return rows, len(lines) - len(rows)


def _row(line, rules, separator, quoted):
    try:
        text = line.decode()
        cells = cells_of(text, separator) if quoted else text.split(separator)
    except ValueError:
        return None
    if len(cells) != len(rules):
        return None
    good = (rule is None or rule(cell) for rule, cell in zip(rules.values(), cells, strict=True))
    return cells if all(good) else None


def is_label(cell: str) -> bool:
    return cell in ("0", "1")


def is_integer(cell: str) -> bool:
    digits = cell.removeprefix("-")
    return not cell or (digits.isascii() and digits.isdigit() and len(digits) <= 18)


def is_number(cell: str) -> bool:
    """A decimal number of at most 18 digits before the point and two of an exponent, or empty."""
    if not cell:
        return True
    mantissa, *exponent = cell.lower().split("e")
    whole, *part = mantissa.lstrip("+-").split(".")
    signs = len(mantissa) - len(mantissa.lstrip("+-"))
    if len(exponent) > 1 or len(part) > 1 or signs > 1 or len(whole) > 18:
        return False
    if exponent:
        power = exponent[0][1:] if exponent[0][:1] in ("+", "-") else exponent[0]
        if not (_is_digits(power) and len(power) <= 2):
            return False
    if not (_is_digits(whole) and (not part or not part[0] or _is_digits(part[0]))) and not (
        not whole and part and _is_digits(part[0])
    ):
        return False
    return abs(float(cell)) <= LARGEST_FLOAT32


def _is_digits(text):
    return text.isascii() and text.isdigit()


def is_time(cell: str) -> bool:
    if not (_is_digits(cell) and len(cell) == 8):
        return False
    year, month, day, hour = (int(cell[i : i + 2]) for i in range(0, 8, 2))
    try:
        datetime.datetime(year + (2000 if year < 69 else 1900), month, day, hour)
    except ValueError:
        return False
    return True


def gunzip(data: bytes) -> bytes:
    """All members of a gzip file; zeros after them are padding.

    Raises:
        ValueError: if one is damaged or cut off, or there is none.
    """
    text, first = b"", True
    while first or data.strip(b"\x00"):
        data = data if first else data.lstrip(b"\x00")
        member = zlib.decompressobj(31)
        try:
            text += member.decompress(data)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if not member.eof:
            raise ValueError("cut off")
        data, first = member.unused_data, False
    return text


def json_of(data: bytes):
    """JSON in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: if it is none, or an object has a key twice.
    """
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_distinct)
    except RecursionError as error:
        raise ValueError("too deep") from error


def _distinct(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)
