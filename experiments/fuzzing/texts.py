"""The readers of raw text, packed or not, and of a user's own tables, as targets."""

import gzip
import io
import pathlib
from collections.abc import Callable
from functools import partial

import pyarrow as pa
from pyarrow import parquet

from aim_keras.datasets import (
    avazu,
    criteo_display,
    frappe,
    inference,
    movielens100k,
    number_encodings,
    raw,
    schema,
    tables,
)
from aim_keras.datasets.config import Config
from experiments.fuzzing import plain
from experiments.fuzzing.target import Target

BUILDERS = {
    "criteo": criteo_display.CriteoDisplay,
    "avazu": avazu.Avazu,
    "frappe": frappe.Frappe,
    "movielens": movielens100k.MovieLens100K,
}
PLAIN_RULES = {
    raw.LABEL: plain.is_label,
    raw.INTEGER: plain.is_integer,
    avazu.TIME: plain.is_time,
    None: None,
}
CLICKS = schema.Schema(
    {
        "y": {"kind": "label", "positive": ["1", "yes"], "negative": ["0"]},
        "w": {"kind": "weight"},
        "city": {"kind": "categorical"},
        "n": {"kind": "numerical"},
        "x": {"kind": "decimal"},
        "d": {"kind": "dense"},
        "tags": {"kind": "multi_categorical"},
        "note": {"kind": "ignored"},
    }
)
CLICKS_TEXT = (
    b"y,w,city,n,x,d,tags,note\n"
    b'1,1.5,"a, ""b""",7,-.5,3.,a|b,1\n'
    b"0,0,\xc3\xa9,,NA,1e3,,\n"
    b"\n"
    b'yes,2e-3,5" x,-12,+0.25,,c,z\n'
)
COLUMNS = {
    "y": pa.array(["1", "0", "yes"]),
    "w": pa.array([1.5, 0.0, 2.0]),
    "city": pa.array(["a", None, "é"]),
    "n": pa.array([7, None, -12]),
    "x": pa.array([-0.5, 0.25, None], pa.float32()),
    "d": pa.array([True, False, None]).cast(pa.int8()),
    "tags": pa.array([["a", "b"], [], None]),
    "note": pa.array([0, 1, 2]),
}


def targets() -> dict[str, Callable[[], Target]]:
    """What makes each target, by name."""
    found = {}
    for on_error in raw.ON_ERROR:
        ending = "" if on_error == "raise" else "_skip"
        found |= {name + ending: partial(_builder_target, name, on_error) for name in BUILDERS}
        found[f"csv{ending}"] = partial(_csv_target, on_error)
        found[f"parquet{ending}"] = partial(_parquet_target, on_error)
    seeds = CLICKS_TEXT, _seed("frappe")
    return found | {
        "packed_gz": partial(_packed_target, ".gz", partial(gzip.compress, mtime=0), plain.gunzip),
        "packed_zst": partial(_packed_target, ".zst", _zstd, _unzstd),
        "inference": partial(Target, "a.csv", seeds, _inferred, _AnyInference),
    }


def _strict(result, on_error):
    """The rows, and the number of malformed ones where these are skipped."""
    rows, skipped = result
    if on_error == "raise" and skipped:
        raise ValueError(f"{skipped} malformed rows")
    return rows, skipped


def _read(reader, path, names=None):
    """The rows, with the named columns or all as the file has them, and the number skipped."""
    rows = []
    for chunk in reader.read(path):
        columns = [chunk.columns[name].to_pylist() for name in names or chunk.columns]
        rows.extend(map(list, zip(*columns, strict=True)))
    return rows, reader.skipped[path.name]


def _seed(name):
    reader = _reader(name, "raise")
    cells = {raw.LABEL: "1", raw.INTEGER: "7", avazu.TIME: "14102100", None: "ab"}
    lines = [[cells[rule] for rule in reader.columns.values()] for _ in range(3)]
    lines[1] = ["0", *lines[1][1:-1], ""]
    lines[2] = ["0", *("-3" if cell == "7" else cell for cell in lines[2][1:])]
    lines[2][:1] = ["1" if name != "avazu" else "id9"]
    if name == "avazu":
        lines[1][:2] = ["id1", "0"]
    head = [list(reader.columns)] if reader.header else []
    return "".join(f"{reader.separator.join(line)}\n" for line in [*head, *lines]).encode()


def _reader(name, on_error):
    options = {"on_error": on_error, "seed": 0, "numerical": "buckets", "combiner": "mean"}
    config = Config(name="fuzzed", options=options)
    return BUILDERS[name](config=config, data_dir="none")._reader()


def _builder_target(name, on_error):
    shape = _reader(name, on_error)
    rules = {column: PLAIN_RULES[rule] for column, rule in shape.columns.items()}
    return Target(
        "a.csv",
        (_seed(name),),
        lambda path: _read(shape, path),
        lambda data: _strict(plain.rows_of(data, rules, shape.separator, shape.header), on_error),
        exact=True,
    )


def _csv_rules():
    kinds = {name: column["kind"] for name, column in CLICKS.columns.items()}

    def or_null(rule):
        return lambda cell: cell in schema.NULLS or rule(cell)

    by_kind = {
        "label": lambda cell: cell in ("0", "1", "yes"),
        "weight": lambda cell: bool(cell) and plain.is_number(cell) and float(cell) >= 0,
        "numerical": or_null(plain.is_integer),
        "decimal": or_null(plain.is_number),
        "dense": or_null(plain.is_number),
    }
    return {name: by_kind.get(kind) for name, kind in kinds.items()}


def _read_clicks(on_error, path):
    """What `_read` gives, if encodings take all of the numbers."""
    separators = CLICKS.list_separators
    reader = tables.TableReader(CLICKS.rules, list_separators=separators, on_error=on_error)
    rows, skipped = _read(reader, path, CLICKS.rules)
    places = [list(CLICKS.rules).index(name) for name in ("w", "x", "d")]
    for row in rows:
        for place in places:
            if row[place] not in schema.NULLS:
                number_encodings.finite(row[place])
    return rows, skipped


def _csv_target(on_error):
    rules = _csv_rules()

    def expected(data):
        if not data:
            raise ValueError("no header")
        names = plain.header_of(data, ",")
        found = {name: rules.get(name) for name in names}
        if len(found) < len(names) or not set(CLICKS.rules) <= set(names):
            raise ValueError("a column twice, or missing")
        rows, skipped = plain.rows_of(data, found, ",", header=True, quoted=True)
        order = [names.index(name) for name in CLICKS.rules]
        return _strict(([[row[i] for i in order] for row in rows], skipped), on_error)

    seeds = CLICKS_TEXT, CLICKS_TEXT.replace(b"\n", b"\r\n")
    return Target("a.csv", seeds, partial(_read_clicks, on_error), expected, exact=True)


def _parquet_target(on_error):
    read = partial(_read_clicks, on_error)
    return Target("a.parquet", _parquets(), read, lambda data: _plain_parquet(data, on_error))


def _parquets():
    found = []
    for options in ({}, {"compression": "none", "use_dictionary": False}, {"row_group_size": 1}):
        sink = io.BytesIO()
        parquet.write_table(pa.table(COLUMNS), sink, **options)
        found.append(sink.getvalue())
    return tuple(found)


def _plain_parquet(data, on_error):
    """A cell at a time, by another way through the file."""
    try:
        table = parquet.ParquetFile(io.BytesIO(data)).read(list(CLICKS.rules))
        columns = [_cells(table[name]) for name in CLICKS.rules]
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    rules = _csv_rules()
    rows = [list(row) for row in zip(*columns, strict=True)]
    good = [row for row in rows if all(_holds(row, rules))]
    return _strict((good, len(rows) - len(good)), on_error)


def _holds(row, rules):
    return (
        not (rule := rules[name]) or rule(cell)
        for name, cell in zip(CLICKS.rules, row, strict=True)
    )


def _cells(column):
    return ["" if not cell.is_valid else _cell(cell) for cell in column]


def _cell(cell):
    if isinstance(cell, pa.ListScalar):
        items = [None if not item.is_valid else _cell(item) for item in cell.values]
        return "" if None in items else "|".join(items)
    return cell.cast(pa.string()).as_py()


def _packed_target(ending, pack, unpack):
    columns = {"label": raw.LABEL, "n": raw.INTEGER, "c": None}
    text = b"label,n,c\n" + b"".join(b"%d,%d,c%d\n" % (i % 2, i, i % 7) for i in range(40))
    rules = {name: PLAIN_RULES[rule] for name, rule in columns.items()}

    def read(path):
        return _read(raw.Reader(columns), path)

    def expected(data):
        return _strict(plain.rows_of(unpack(data), rules, ",", header=True), "raise")

    return Target(
        f"a.csv{ending}", (pack(text), pack(b"") + pack(text)), read, expected, exact=True
    )


def _zstd(text):
    return pa.compress(text, "zstd", asbytes=True)


def _unzstd(data):
    """By the one-shot decoder, which takes whole frames alone, and must be told their size."""
    if not data:
        raise ValueError("no frame")
    try:
        size = len(pa.CompressedInputStream(pa.BufferReader(data), "zstd").read())
        return pa.decompress(data, size, "zstd", asbytes=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error)) from error


def _inferred(path: pathlib.Path):
    found = inference.infer([path])
    found.save(path.with_name("schema.json"))
    assert schema.Schema.load(path.with_name("schema.json")) == found
    reader = tables.TableReader(found.rules, found.separator)
    rows, skipped = _read(reader, path)
    assert not skipped
    return list(found.columns), found.separator, sorted(map(tuple, rows)), found.rules


class _AnyInference:
    """Equals what was inferred of a file whose rows are those that it reads."""

    def __init__(self, data):
        self.data = data

    def __eq__(self, found):
        columns, separator, rows, rules = found
        every, skipped = plain.rows_of(
            self.data, dict.fromkeys(columns), separator, header=True, quoted=True
        )
        places = [columns.index(name) for name in rules]
        return not skipped and sorted(tuple(row[i] for i in places) for row in every) == rows
