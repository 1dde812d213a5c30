"""Infers the schema of a user's own files from some of their rows."""

import itertools
import logging
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from aim_keras import served_names
from aim_keras.datasets import column_kinds, column_names, profiles, raw, tables
from aim_keras.datasets.schema import FIELDS, NULLS, Schema
from aim_keras.datasets.tables import TableReader

POSITIVE = {"1", "1.0", "true", "t", "yes", "y"}
NEGATIVE = {"0", "0.0", "-1", "false", "f", "no", "n"}
RULE = raw.Rule(
    "must be as 0 and 1 (true and false, yes and no, 1 and -1), or CSV_POSITIVE (positive, in "
    "code) or a schema say which values are positive",
    lambda cell: cell.lower() in POSITIVE | NEGATIVE,
)

logger = logging.getLogger(__name__)


def infer(
    files: Sequence[pathlib.Path],
    label: str | None = None,
    positive: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    separator: str | None = None,
    on_error: str = "raise",
    partitions: Mapping[pathlib.Path, Mapping[str, str]] | None = None,
) -> Schema:
    """The schema of files, by the first file's columns and about 100,000 rows of all.

    Args:
        files: the files of train, in order.
        label: name of the label's column; None finds it among `column_names.LABELS`.
        positive: the label's values that are clicks, any other of these rows being none; None takes
            1, true, yes.
        names: the columns of text files without a header.
        separator: str between the cells of text files; None takes the one of a comma, a tab, a
            semicolon and a bar that the first line has most.
        on_error: "raise" or "skip": what a malformed line does.
        partitions: dict from path to the columns that all rows of a file share, with their value;
            None for no such columns.

    Raises:
        ValueError: if no column can be the label or a field, if there is no row, and of a malformed
            line, as of the label's value.
    """
    separator = tables.likely_separator(files[0]) if separator is None else separator
    raw.check_separator(separator)
    columns, partitions = tables.columns(files[0], separator, names), partitions or {}
    shared = [name for name in partitions.get(files[0], ()) if name not in columns]
    columns += shared
    is_guess, label = label is None, _label(files[0], columns, label)
    without_text = tables.without_text(files[0])
    read = [name for name in columns if name not in without_text]
    rules = {**dict.fromkeys(read), label: RULE if positive is None else None}
    reader = TableReader(rules, separator, names, partitions, {}, on_error)
    found, undecodable = _profiles(files, reader, label)
    without_text |= undecodable
    if not found[label].rows:
        raise ValueError(raw.error_text(files[0], 1, "the files must have rows after it", "none"))
    if positive is not None:
        _check_positive(files[0], found[label], positive)
    for name in {*shared} - {label}:
        values = (partitions.get(path, {}).get(name, "") for path in files)
        found[name] = profiles.of_partitions(values)
    decided = {label: _label_column(found[label], positive)}
    for name in columns:
        if name in without_text:
            decided[name] = column_kinds.ignored(without_text[name])
        elif name != label:
            decided[name] = column_kinds.decide(name, found[name])
    for name, unit in tables.durations(files[0]).items():
        decided[name] = decided[name] | {"why": f"{decided[name]['why']}; durations in {unit}"}
    decided = _named({name: decided[name] for name in columns})
    if not any(column["kind"] in FIELDS for column in decided.values()):
        received = "; ".join(f"{name!r}: {column['why']}" for name, column in decided.items())
        rule = "a column must be of use as a field, or a schema say which one is"
        raise ValueError(raw.error_text(files[0], 1, rule, received))
    if is_guess:
        _warn_of_outcomes(files[0], label, decided)
    return Schema(decided, separator, names is None)


def _profiles(files, reader, label):
    """The profiles of the columns, but of those whose bytes turn out to be no text, and why."""
    without_text: dict[str, str] = {}
    while True:
        rules = {name: rule for name, rule in reader.rules.items() if name not in without_text}
        try:
            return profiles.of_rows(files, replace(reader, rules=rules)), without_text
        except tables.NoTextError as error:
            if error.column == label:
                raise
            without_text[error.column] = f"{error.kind}: its bytes are no text"


def _named(columns):
    """The columns with names of their fields that can be served, where their own cannot."""
    fields = [name for name, column in columns.items() if column["kind"] in FIELDS]
    fields.sort(key=lambda name: served_names.served(name, set()) != name)  # these keep theirs
    taken: set[str] = set()
    names = {name: served_names.served(name, taken) for name in fields}
    return {
        name: column
        if names.get(name, name) == name
        else {"kind": column["kind"], "name": names[name]} | column
        for name, column in columns.items()
    }


def _warn_of_outcomes(path, label, columns):
    others = [
        name
        for name, column in columns.items()
        if column["kind"] in FIELDS and column_names.is_outcome(name)
    ]
    if others:
        logger.warning(
            "%s: the label is %r, by its name, beside the fields %s. Make those ignored in the "
            "schema that are known after the click only, or give the label that is meant",
            *(path, label, ", ".join(map(repr, others))),
        )


def _label(path, columns, label):
    named = column_names.labels(columns) if label is None else [label]
    if len(named) == 1 and named[0] in columns:
        return named[0]
    names = ", ".join(itertools.chain.from_iterable(column_names.LABELS))
    rule = (
        f"one column must be named as a label ({names}), or the label be "
        "given by its name; where the first line is no header, give the columns' names"
        if label is None
        else f"there must be the label's column {label!r}"
    )
    raise ValueError(raw.error_text(path, 1, rule, ", ".join(map(repr, columns))))


def _check_positive(path, profile, positive):
    values = set(profile.counts)
    rule = f"each row must have a label, and some one of {sorted(positive)}"
    if unlabelled := values & set(NULLS):
        raise ValueError(raw.error_text(path, 1, rule, f"rows of {sorted(unlabelled)}"))
    if not set(positive) <= values:
        raise ValueError(raw.error_text(path, 1, rule, f"labels {sorted(values)[:9]}"))


def _label_column(profile, given):
    sides = {True: [], False: []}
    for value in sorted(profile.counts):
        sides[value.lower() in POSITIVE if given is None else value in given].append(value)
    positive = [*given] if given is not None else sides[True] or ["1"]
    negative = sides[False] or ["0"]
    share = sum(profile.counts[value] for value in positive) / max(profile.rows, 1)
    read = (f"{profile.rows:,} rows", f"the {profile.rows:,} rows that were read")[profile.is_part]
    why = f"{share:.2%} of {read} are positive"
    return {"kind": "label", "positive": positive, "negative": negative, "why": why}
