"""What kind a column is of, by its name and its values: rules that fit on a page."""

import numpy as np

from aim_keras.datasets import column_names, raw, tables, value_forms
from aim_keras.datasets.profiles import FEW, MANY_ROWS, Profile
from aim_keras.datasets.schema import MULTI

ITEM_SEPARATORS = "|;"
MAX_LENGTH = 50
NUMBERS = 0.99  # the share from which on another value is a mistake in a column of numbers
EARLIEST = 10**8  # seconds since 1970: in 1973
WEIGHTS = (0.1, 10)  # their mean: learning rates are those of a loss of weights near 1


def decide(name: str, profile: Profile) -> dict:
    """The kind of a column that is not the label, and why."""
    values, present = profile.values, profile.present
    distinct = len(values)
    if not name:
        return ignored("it has no name")
    if distinct == 0 or (distinct == 1 and present == profile.rows):
        return ignored(f"it is the same in all rows{' that were read' * profile.is_part}")
    is_numbers = all(map(raw.NUMBER.holds, values))
    if column_names.is_weight(name) and is_numbers and not profile.is_list:
        return _weight(name, profile)
    if profile.is_list:
        return _multi(profile, tables.ITEM_SEPARATOR, "lists")
    for separator in ITEM_SEPARATORS:
        joined = [value for value in values if value_forms.is_joined(value, separator)]
        if profile.rows_of(joined) > present / 10:
            return _multi(profile, separator, f"lists between {separator!r}")
    if all(map(value_forms.is_time, values)):
        return ignored("a time, which never comes again")
    if is_numbers:
        return _number(name, profile)
    if not profile.is_few and (mistaken := _mistaken(profile)):
        return {"kind": "decimal", "why": f"numbers but for {mistaken!r}: in buckets"}
    hint = _list_hint(profile)
    if profile.is_unique and _is_thing(name):
        return _rare(f"{distinct:,} texts", hint)
    if profile.is_unique:
        return ignored(f"{distinct:,} texts in {profile.rows:,} rows: it tells rows apart{hint}")
    return {"kind": "categorical", "why": f"{distinct:,} texts{hint}"}


def _mistaken(profile):
    """A value that is no number where nearly all are, and not all whole, as codes would be."""
    others = [value for value in profile.values if not raw.NUMBER.holds(value)]
    numbers = profile.present - profile.rows_of(others)
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
            return ignored(f"dates such as {values[0]}, by its name, which never come again")
        if min(map(float, values)) > EARLIEST:
            return ignored("a time since 1970, by its name, which never comes again")
    if is_whole and profile.is_unique and not _is_thing(name):
        return ignored(f"{numbers}, nearly one a row: it tells rows apart")
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
        if profile.rows_of(found) > profile.present / 10:
            brackets = any(value.startswith("[") for value in found)
            guess = f". A GUESS: looks like a list between {separator!r}: {MULTI} if it is one"
            return guess + ", without its brackets" * brackets
    return ""


def ignored(why: str) -> dict:
    """A column that is not read."""
    return {"kind": "ignored", "why": why}
