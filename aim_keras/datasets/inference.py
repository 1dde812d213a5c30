"""Infers the schema of a user's own files from some of their rows, by rules that fit on a page."""

import itertools
import logging
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from aim_keras import served_names
from aim_keras.datasets import column_names, profiles, raw, tables, value_forms
from aim_keras.datasets.profiles import FEW, MANY_ROWS, Profile
from aim_keras.datasets.schema import FIELDS, MULTI, NULLS, Schema
from aim_keras.datasets.tables import TableReader

ITEM_SEPARATORS = "|;"
MAX_LENGTH = 50
POSITIVE = {"1", "1.0", "true", "t", "yes", "y"}
NEGATIVE = {"0", "0.0", "-1", "false", "f", "no", "n"}
RULE = raw.Rule(
    "must be as 0 and 1 (true and false, yes and no, 1 and -1), or CSV_POSITIVE (positive, in "
    "code) or a schema say which values are positive",
    lambda cell: cell.lower() in POSITIVE | NEGATIVE,
)
NUMBERS = 0.99  # the share from which on another value is a mistake in a column of numbers
EARLIEST = 10**8  # seconds since 1970: in 1973
WEIGHTS = (0.1, 10)  # their mean: learning rates are those of a loss of weights near 1

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
            decided[name] = _ignored(without_text[name])
        elif name != label:
            decided[name] = decide(name, found[name])
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


def decide(name: str, profile: Profile) -> dict:
    """The kind of a column that is not the label, and why."""
    values, present = profile.values, profile.present
    distinct = len(values)
    if not name:
        return _ignored("it has no name")
    if distinct == 0 or (distinct == 1 and present == profile.rows):
        return _ignored(f"it is the same in all rows{' that were read' * profile.is_part}")
    is_numbers = all(map(raw.NUMBER.holds, values))
    if column_names.is_weight(name) and is_numbers and not profile.is_list:
        return _weight(name, profile)
    if profile.is_list:
        return _multi(profile, tables.ITEM_SEPARATOR, "lists")
    for separator in ITEM_SEPARATORS:
        if (
            sum(profile.counts[v] for v in values if value_forms.is_joined(v, separator))
            > present / 10
        ):
            return _multi(profile, separator, f"lists between {separator!r}")
    if all(map(value_forms.is_time, values)):
        return _ignored("a time, which never comes again")
    if is_numbers:
        return _number(name, profile)
    if not profile.is_few and (mistaken := _mistaken(profile)):
        return {"kind": "decimal", "why": f"numbers but for {mistaken!r}: in buckets"}
    hint = _list_hint(profile)
    if profile.is_unique and _is_thing(name):
        return _rare(f"{distinct:,} texts", hint)
    if profile.is_unique:
        return _ignored(f"{distinct:,} texts in {profile.rows:,} rows: it tells rows apart{hint}")
    return {"kind": "categorical", "why": f"{distinct:,} texts{hint}"}


def _mistaken(profile):
    """A value that is no number where nearly all are, and not all whole, as codes would be."""
    others = [value for value in profile.values if not raw.NUMBER.holds(value)]
    numbers = profile.present - sum(profile.counts[value] for value in others)
    whole = all(float(v).is_integer() for v in profile.values if raw.NUMBER.holds(v))
    return others[0] if numbers >= NUMBERS * profile.present and not whole else None


def _weight(name, profile):
    """The weight, or a number such as a product's weight: it is no multiple of a row's loss."""
    sizes = list(map(float, profile.values))
    counts = [profile.counts[value] for value in profile.values]
    mean, (least, most) = np.average(sizes, weights=counts), WEIGHTS
    if min(sizes) >= 0 and least <= mean <= most and profile.present == profile.rows:
        return {"kind": "weight", "why": f"named as the rows' weight: {mean:.3g} on average"}
    column = _number(name, profile)
    why = f"; no weight of rows, which all are at least 0, and on average from {least} to {most}"
    return column | {"why": column["why"] + why}


def _number(name, profile):
    values, distinct = profile.values, len(profile.values)
    is_whole = all(float(value).is_integer() for value in values)
    numbers = f"{distinct:,} {'whole ' * is_whole}numbers"
    if column_names.is_time(name):
        if is_whole and all(map(value_forms.is_date_of_digits, values)):
            return _ignored(f"dates such as {values[0]}, by its name, which never come again")
        if min(map(float, values)) > EARLIEST:
            return _ignored("seconds since 1970, by its name: a time, which never comes again")
    if is_whole and profile.is_unique and not _is_thing(name):
        return _ignored(f"{numbers}, nearly one a row: it tells rows apart")
    spelled = value_forms.spelled(values) if is_whole else ""
    if is_whole and profile.is_unique:
        return _rare(numbers, spelled)
    if is_whole and column_names.is_id(name):
        return {"kind": "categorical", "why": f"{distinct:,} numbers, named as an id{spelled}"}
    if profile.is_few or (is_whole and distinct <= FEW):
        return {"kind": "categorical", "why": f"{numbers}: few{spelled}"}
    kind = "numerical" if all(map(raw.INTEGER.holds, values)) else "decimal"
    why = f"{numbers}: in buckets"
    if is_whole and profile.rows_a_value >= MANY_ROWS:
        why += f". A GUESS, with {profile.rows_a_value:,} rows a value: categorical if they are ids"
    return {"kind": kind, "why": why}


def _is_thing(name):
    """Whether a name is that of an id that other rows have, too."""
    return column_names.is_id(name) and not column_names.is_row_id(name)


def _rare(values, spelled=""):
    """An id that nearly every row has of its own, of those that were read."""
    guess = "A GUESS, with nearly one a row: ignored if it tells rows apart"
    return {"kind": "categorical", "why": f"{values}, named as an id. {guess}{spelled}"}


def _multi(profile, separator, why):
    longest = max(sum(map(bool, value.split(separator))) for value in profile.values)
    length = int(np.clip(longest, 2, MAX_LENGTH))
    column = {"kind": MULTI, "separator": separator, "max_length": length}
    why = f"{why} of up to {longest}"
    if longest > length:
        return column | {"keep": "first", "why": f"{why}: CUT to the first {length}"}
    if profile.is_part:
        why += f" in the rows that were read: longer ones are CUT to the first {length}"
        return column | {"keep": "first", "why": why}
    return column | {"why": why}


def _list_hint(profile):
    """What is to be said of texts of which more than a tenth look like other lists."""
    for separator in value_forms.LISTS:
        found = [v for v in profile.values if value_forms.looks_joined(v, separator)]
        if sum(profile.counts[value] for value in found) > profile.present / 10:
            brackets = any(value.startswith("[") for value in found)
            guess = f". A GUESS: looks like a list between {separator!r}: {MULTI} if it is one"
            return guess + ", without its brackets" * brackets
    return ""


def _ignored(why):
    return {"kind": "ignored", "why": why}


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
