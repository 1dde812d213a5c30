import re
from collections import Counter

import pytest

from aim_keras.datasets import column_kinds
from aim_keras.datasets.column_kinds import decide
from aim_keras.datasets.profiles import Profile


def kind(name, values, **kwargs):
    column = decide(name, Profile(Counter(values), **kwargs))
    assert column["why"]
    return column["kind"]


TWO = "which are two categories, in serving too"
NUMBERS = [str(i) for i in range(150)] * 2
TEXTS = [f"t{i}" for i in range(150)]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("x", ["a", "b"] * 9, "categorical"),
        ("x", ["3", "4", ""] * 9, "categorical"),
        ("x", ["3.0", "4.0"] * 9, "categorical"),
        ("x", ["3", "oops"] * 9, "categorical"),
        ("x", TEXTS * 2, "categorical"),
        ("x", NUMBERS, "numerical"),
        ("x", [*NUMBERS, "NA", ""], "numerical"),
        ("x", [f"{n}.0" for n in NUMBERS], "decimal"),
        ("x", ["0.5", "1e-3", "", "-2"] * 9, "decimal"),
        ("x", [f"{n}.5" for n in range(200)], "decimal"),
        ("x", [f"9.{n}" for n in range(30)] * 20, "categorical"),
        ("x", [*([f"9.{n}" for n in range(30)] * 20), "-"], "categorical"),
        ("x", [f"9.{n}" for n in range(30)] * 9, "decimal"),
        ("x", [*(f"{n}.5" for n in range(200)), "-"], "decimal"),
        ("x", [*(f"{n}.5" for n in range(200)), "-", "?", "-"], "ignored"),
        ("x", [*NUMBERS, "-"], "categorical"),
        ("user_id", NUMBERS, "categorical"),
        ("itemId", NUMBERS, "categorical"),
        ("Zip Code", NUMBERS, "categorical"),
        ("site2", NUMBERS, "categorical"),
        ("id_of_user", NUMBERS, "categorical"),
        ("campaignid", NUMBERS, "categorical"),
        ("advertiser", NUMBERS, "categorical"),
        ("item_price", NUMBERS, "numerical"),
        ("website", NUMBERS, "numerical"),
        ("paid", NUMBERS, "numerical"),
        ("bid", NUMBERS, "numerical"),
        ("user_id", [*map(str, range(200))], "categorical"),
        ("cookie", TEXTS, "categorical"),
        ("id", [*map(str, range(200))], "ignored"),
        ("event_id", TEXTS, "ignored"),
        ("requestId", [*map(str, range(200))], "ignored"),
        ("x", [*map(str, range(200))], "ignored"),
        ("x", [*map(str, range(99))], "categorical"),
        ("x", TEXTS, "ignored"),
        ("x", ["a"] * 9, "ignored"),
        ("x", ["a"] * 9 + [""], "categorical"),
        ("x", ["", "NA"] * 9, "ignored"),
        ("Sample_Weight", ["0.5", "1"] * 9, "weight"),
        ("weight", ["heavy", "light"] * 9, "categorical"),
        ("weight", ["120.5", "2654"] * 9, "decimal"),
        ("weight", [str(120 + n) for n in range(150)] * 2, "numerical"),
        ("weight", ["0.001", "0.002"] * 9, "decimal"),
        ("weight", ["0", "1"] * 9, "weight"),
        ("weight", ["0", "0.0"] * 9, "categorical"),
        ("weight", ["0", "0.1"] * 9, "decimal"),
        ("weight", ["-1", "5"] * 9, "categorical"),
        ("weight", ["1", "1.0", "1", "1", "20"] * 9, "weight"),
        ("weight", ["0.5", ""] * 9, "decimal"),
        ("", ["a", "b"] * 9, "ignored"),
        ("x", ["2024-01-01", "2024-01-02 10:00:00", ""] * 9, "ignored"),
        ("event_time", [str(10**9 + n % 150) for n in range(300)], "ignored"),
        ("timestampMs", [str(10**12 + n % 150) for n in range(300)], "ignored"),
        ("time", [str(n % 150) for n in range(300)], "numerical"),
        ("time", [*NUMBERS, str(10**9)], "numerical"),
        ("created_at", [f"{10**9 + n % 150}.25" for n in range(300)], "ignored"),
        ("ms", [str(10**12 + n % 150) for n in range(300)], "ignored"),
        ("atlas", [str(10**9 + n % 150) for n in range(300)], "numerical"),
        ("dwell_ms", NUMBERS, "numerical"),
        ("date", ["20240301", "20240302", ""] * 20, "ignored"),
        ("event_date", ["20240301.0", "20240302.0"] * 20, "ignored"),
        ("dt", ["20240301", "20240302"] * 20, "ignored"),
        ("hour", ["14102100", "14102123"] * 20, "ignored"),
        ("hour", ["2014102100", "2014102123"] * 20, "ignored"),
        ("month", ["202311", "202402"] * 20, "ignored"),
        ("date", ["20241301", "20240302"] * 20, "categorical"),
        ("price", ["20240301", "20240302"] * 20, "categorical"),
        ("hour", [*map(str, range(24))] * 10, "categorical"),
        ("day", [f"{n:02}" for n in range(1, 32)] * 10, "categorical"),
        ("weekday", [*map(str, range(7))] * 10, "categorical"),
        ("month", [*map(str, range(1, 13))] * 10, "categorical"),
        ("hour_of_week", [*map(str, range(168))] * 10, "numerical"),
        ("x", ["01/03/2024", "13/3/2024", ""] * 9, "ignored"),
        ("x", ["2024/03/01 10:00:00", "2024/3/2"] * 9, "ignored"),
        ("x", ["01/Mar/2024:10:00:00 +0000", "02-Mar-2024"] * 9, "ignored"),
        ("x", ["45/3/2024", "1/3/24"] * 9, "categorical"),
        ("x", ["10:00", "11:30"] * 9, "categorical"),
        ("price", [str(10**9 + n % 150) for n in range(300)], "numerical"),
        ("x", ["a|b", "a", "b|c|d"] * 9, "multi_categorical"),
        ("x", ["a;b", "c"] * 9, "multi_categorical"),
        ("x", ["|", "a"] * 9, "categorical"),
        ("x", ["Windows NT 10.0; Win64; x64", "iPhone; CPU", "a;b c; d"] * 9, "categorical"),
        ("x", ["News |Sport", "a"] * 9, "categorical"),
        ("x", ["New York;Paris", "a"] * 9, "multi_categorical"),
        ("x", ["a|b", *["a"] * 20], "categorical"),
    ],
)
def test_each_rule(name, values, expected):
    assert kind(name, values) == expected


def test_whole_numbers_that_may_be_ids_are_called_a_guess():
    assert "A GUESS, with 20 rows a value" in decide("x", Profile(Counter(NUMBERS * 10)))["why"]
    for name, values in (("x", NUMBERS), ("item", NUMBERS * 10), ("x", ["1.5", "2.25"] * 9)):
        assert "GUESS" not in decide(name, Profile(Counter(values)))["why"]


def test_lists():
    column = decide("x", Profile(Counter({"a\x1fb": 3, "": 2, "c": 1}), is_list=True))
    assert (column["separator"], column["max_length"]) == ("\x1f", 2)
    column = decide("x", Profile(Counter(["|".join("a" * 70), "b|c"])))
    assert (column["separator"], column["max_length"]) == ("|", column_kinds.MAX_LENGTH)
    assert column["keep"] == "first"
    assert column["why"] == "lists between '|' of up to 70: CUT to the first 50"


def test_a_column_that_is_no_weight_says_why():
    column = decide("weight", Profile(Counter(["120.5", "2654"] * 9)))
    assert column["why"].endswith("which all are at least 0, and on average from 0.1 to 10")


def test_an_id_of_nearly_every_row_is_called_a_guess():
    for values in (map(str, range(200)), TEXTS):
        why = decide("user_id", Profile(Counter(values)))["why"]
        assert "named as an id. A GUESS, with nearly one a row: ignored if" in why


def test_ids_that_became_floats_are_warned_of():
    decimals = [f"{n}.0" for n in NUMBERS]
    for name, values in (("user_id", decimals), ("x", ["3.0"] * 9 + ["4.0"] * 9)):
        why = decide(name, Profile(Counter(values)))["why"]
        assert why.endswith(f". A GUESS: {values[0]} is not {values[0][:-2]}, {TWO}")
    for values in ([*NUMBERS, "7.0"], ["7.0", "8.0", *map(str, range(8, 200))]):
        why = decide("user_id", Profile(Counter(values)))["why"]
        assert re.search(rf"A GUESS: it has both (7.0 and 7|8.0 and 8), {TWO}$", why)
    assert "GUESS" not in decide("zip", Profile(Counter(["01234", "1234"] * 9)))["why"]


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["1,2,3", "4", "5,6"], ","),
        (["a,b", "c"], ","),
        (["[1, 2, 3]", "[]", "[4]"], ", "),
        (["[1,2]", "[3]"], ","),
        (["1 2 3", "4 5"], " "),
        (["1:2:3", "4"], ":"),
        (["New York", "Paris, France"], None),
        (["10:00", "11:30:05"], None),
        (["a:b", "c d"], None),
        (["1,2", *["x"] * 20], None),
    ],
)
def test_what_looks_like_a_list_is_called_a_guess(values, separator):
    column = decide("x", Profile(Counter(values * 9)))
    assert column["kind"] == "categorical"
    hint = f"A GUESS: looks like a list between {separator!r}: multi_categorical if it is one"
    assert (hint in column["why"]) == (separator is not None)
    assert ("GUESS" in column["why"]) == (separator is not None)
    assert ("without its brackets" in column["why"]) == (values[0][0] == "[")


def test_lists_that_are_nearly_one_a_row_are_called_a_guess():
    column = decide("x", Profile(Counter(f"{n},{n + 1}" for n in range(200))))
    assert column["kind"] == "ignored"
    assert "it tells rows apart. A GUESS: looks like a list between ','" in column["why"]


def test_what_more_rows_may_have_is_said():
    part = {"is_part": True}
    column = decide("x", Profile(Counter(["a|b", "c"] * 9), **part))
    assert column["keep"] == "first"
    assert column["why"].endswith(
        "up to 2 in the rows that were read: longer ones are CUT to the first 2"
    )
    assert decide("x", Profile(Counter("aaa"), **part))["why"].endswith("rows that were read")
