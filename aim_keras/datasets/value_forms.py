"""What the values of columns look like: dates, lists, whole numbers that are written as others."""

import re
from collections.abc import Iterable

from aim_keras.datasets import raw

MONTH, DAY, YEAR = "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])", "(19|20)[0-9]{2}"
TIME = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{YEAR}/{MONTH}/{DAY}|{DAY}/{DAY}/{YEAR}"
    rf"|{DAY}[/-][A-Za-z]{{3}}[/-]{YEAR})([ T:].*)?"
)
# YYYYMM, or [YY]YYMMDD with or without hours, minutes and seconds.
DIGITS = re.compile(
    rf"{YEAR}(0[1-9]|1[0-2])|(19|20)?[0-9]{{2}}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    r"(([01][0-9]|2[0-3])([0-5][0-9]){0,2})?"
)
CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9.]+)?")
TEXT, NUMBER = r"[^\s,\[\]]+", r"-?[0-9.]+"
LISTS = {  # by what is between the items; other texts have these, too
    ",": re.compile(rf"\[?{TEXT}(,{TEXT})+\]?"),
    ", ": re.compile(rf"\[{TEXT}(, {TEXT})+\]"),
    " ": re.compile(rf"\[?{NUMBER}( +{NUMBER})+\]?"),
    ":": re.compile(r"[0-9]+(:[0-9]+)+"),
}


def is_time(value: str) -> bool:
    """Whether a text is a date, with or without a time of the day."""
    return bool(TIME.fullmatch(value))


def is_date_of_digits(value: str) -> bool:
    """Whether a whole number may be a date, such as 20240131 or, with its hour, 24013123."""
    return bool(DIGITS.fullmatch(str(int(float(value)))))


def is_joined(text: str, separator: str) -> bool:
    """Whether it stands between items; beside a space it is punctuation, as in "Win64; x64"."""
    spaced = re.search(rf"\s{re.escape(separator)}|{re.escape(separator)}\s", text)
    return separator in text.strip(separator) and not spaced


def looks_joined(text: str, separator: str) -> bool:
    """Whether a text may be a list, of which `LISTS` has the separator."""
    return bool(LISTS[separator].fullmatch(text)) and not CLOCK.fullmatch(text)


def spelled(values: Iterable[str]) -> str:
    """What is to be said of whole numbers that are not written as such, as pandas does some."""
    known = set(values)
    pairs = {v: str(int(float(v))) for v in values if not raw.INTEGER.holds(v)}
    if not pairs:
        return ""
    both = next((pair for pair in pairs.items() if pair[1] in known), None)
    decimal, whole = both or next(iter(pairs.items()))
    others = f"it has both {decimal} and {whole}" if both else f"{decimal} is not {whole}"
    return f". A GUESS: {others}, which are two categories, in serving too"
