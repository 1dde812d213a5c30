"""Bad input out of good: bytes, and the structure of JSON."""

import json
import random
from collections.abc import Sequence

TOKENS = (
    *(b"", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", "é€😀".encode()),
    *(b"\n", b"\r\n", b"\r", b"\n\n", b"\x0b", b"\x1b", b"\x1be", b"\xe2\x80\xa8", b"\x85"),
    *(b",", b"\t", b";", b"|", b'"', b'""', b'"\n"', b"'", b"\\", b"\\N", b" "),
    *(b"0", b"1", b"2", b"-1", b"-0", b"1.0", b"1e5", b"1e39", b"1e99", b"0x1", b"1_0", b"+1"),
    *(b"NaN", b"nan", b"inf", b"-Infinity", b"null", b"None", b"true", b"9" * 19, b"9" * 400),
    *("٣".encode(), "１".encode(), b"x" * 3000, b"../", b"/etc/passwd"),
)
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252")
VALUES = (
    *(None, True, False, 0, 1, -1, 2, 1.5, 10**9, 10**30, float("nan"), float("inf"), 1e308),
    *("", "x", "1", "NaN", "../../x", "/etc/passwd", "\x00", "\ud800", [], {}, [[]], [None]),
    {"kind": "categorical"},
)
KEYS = ("", "x", "1", "01", "٢", "2", "1000000", "../x", "format", "kind", "__class__")
AGAIN = "\x00again"  # at the end of a key that was there before
RAW = {"\x00deep": "[" * 100_000, "\x00nested": "[" * 900 + "]" * 900, "\x00long": "9" * 5000}


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed in one to four places, rarely in none."""
    data = rng.choice(seeds)
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 4))):
        data = rng.choice(_CHANGES)(rng, data, seeds)
    return data


def mutated_json(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, JSON, with other structure or values; of some the bytes change, too."""
    content = json.loads(rng.choice(seeds))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        content = _with_change(rng, content)
    text = json.dumps(content, ensure_ascii=rng.random() < 0.5)
    text = text.replace(json.dumps(AGAIN)[1:-1], "")
    for marker, value in RAW.items():
        text = text.replace(json.dumps(marker), value)
    data = text.encode("utf-8", "surrogatepass")
    return mutated(rng, [data, *seeds]) if rng.random() < 0.2 else data


def mutated_lines(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, JSON lines, of which one or two are changed, doubled, moved or left out."""
    lines = rng.choice(seeds).splitlines()
    for i in rng.sample(range(len(lines)), rng.randint(0, 2)):
        lines[i] = mutated_json(rng, lines[i : i + 1])
    data = b"".join(line + b"\n" for line in lines)
    return mutated(rng, [data]) if rng.random() < 0.5 else data


def _span(rng, data):
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 1, 2, 4, 16, 64)))


def _flip(rng, data, seeds):
    if not data:
        return data
    i = rng.randrange(len(data))
    return data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :]


def _overwrite(rng, data, seeds):
    start, end = _span(rng, data)
    return data[:start] + rng.randbytes(end - start) + data[end:]


def _delete(rng, data, seeds):
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def _repeat(rng, data, seeds):
    start, end = _span(rng, data)
    return data[:start] + data[start:end] * rng.choice((2, 2, 3, 50)) + data[end:]


def _truncate(rng, data, seeds):
    return data[: rng.randrange(len(data) + 1)]


def _splice(rng, data, seeds):
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _token(rng, data, seeds):
    start, end = _span(rng, data)
    return data[:start] + rng.choice(TOKENS) + data[rng.choice((start, end)) :]


def _line(rng, data, seeds):
    """A line that is doubled, moved, left out, or has its cells in another order."""
    lines = data.split(b"\n")
    line = lines.pop(rng.randrange(len(lines)))
    cells = line.split(b",")
    rng.shuffle(cells)
    for new in rng.choice(((), (line,), (line, line), (b",".join(cells),))):
        lines.insert(rng.randrange(len(lines) + 1), new)
    return b"\n".join(lines)


def _ends(rng, data, seeds):
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r")))


def _encode(rng, data, seeds):
    return data.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


_CHANGES = (
    *(_flip, _overwrite, _delete, _repeat, _truncate, _splice, _line),
    *(_token, _token, _token, _token, _ends, _encode),
)


def _with_change(rng, content):
    """JSON with a change at a place that is drawn on the way down."""
    if not isinstance(content, dict | list) or not content or rng.random() < 0.15:
        return _other(rng, content)
    if isinstance(content, list):
        return _list_with_change(rng, content)
    content = dict(content)
    key = rng.choice(list(content))
    change = rng.random()
    if change < 0.08:
        del content[key]
    elif change < 0.16:
        content[rng.choice((*KEYS, *content))] = content.pop(key)
    elif change < 0.24:
        content[rng.choice((*KEYS, f"{key}{AGAIN}"))] = _with_change(rng, content[key])
    else:
        content[key] = _with_change(rng, content[key])
    return content


def _list_with_change(rng, content):
    content = list(content)
    i = rng.randrange(len(content))
    change = rng.random()
    if change < 0.1:
        del content[i]
    elif change < 0.2:
        content.insert(rng.randrange(len(content) + 1), content[i])
    elif change < 0.3:
        rng.shuffle(content)
    else:
        content[i] = _with_change(rng, content[i])
    return content


def _other(rng, value):
    if isinstance(value, int | float) and rng.random() < 0.3:
        return rng.choice((-value, value + 1, value * 2**40, value + 0.5, str(value)))
    if isinstance(value, str) and rng.random() < 0.3:
        return rng.choice((value + "x", value[:-1], value.upper(), [value], value + "\x00"))
    return rng.choice((*VALUES, *RAW, [value], {"x": value}))
