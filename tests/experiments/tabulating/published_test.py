"""The transcribed tables agree with themselves, with each other and with the paper's text."""

import pytest

from experiments.tabulating import published
from experiments.tabulating.performance import relative_improvement


def rows(number):
    return {row["model"]: row for row in published.paper(number)["rows"]}


def auc(number, model, data="Avazu"):
    return rows(number)[model][data]["auc"]


@pytest.mark.parametrize("data", ["Avazu", "Criteo", "Huawei"])
def test_relative_improvements_recompute_to_the_printed_digit(data):
    table = rows(2)
    assert len(table) == 13
    for row in table.values():
        value = relative_improvement(row[data]["auc"], table["FM"][data]["auc"])
        assert round(value, 2) == row[data]["improvement"], row["model"]


def test_a_system_has_the_same_figures_in_every_table():
    found = {}
    for number in (2, 3, 4, 5, 10):
        for row in published.paper(number)["rows"]:
            for data in ("Avazu", "Criteo"):
                figures = row[data]["auc"], row[data]["log_loss"]
                found.setdefault((row["system"], data), set()).add(figures)
    assert {place: figures for place, figures in found.items() if len(figures) > 1} == {}
    assert found["AIM(4th)", "Avazu"] == {(0.7920, 0.3727)}


def test_costs_are_the_same_in_every_table():
    seven, eight, nine = rows(7), rows(8), rows(9)
    assert seven["AIM"]["Avazu"] == eight["AIM(2nd)"]["Avazu"]
    for model, row in eight.items():
        assert row["Avazu"]["train_minutes"] == nine[model]["Avazu"]["retrain_minutes"]
    for model, of_five in (("AIM-EDS", "AIM-EDS (FWE)"), ("AIM", "AIM (FWE)")):
        parameters = rows(5)[of_five]["Avazu"]["parameters_10_million"]
        assert seven[model]["Avazu"]["parameters_10_million"] == parameters


def test_what_the_text_says_of_the_tables():
    minutes = [value for row in rows(9).values() for value in row["Avazu"].values()]
    assert round(sum(minutes)) == 155
    for data, times in (("Avazu", 2.79), ("Criteo", 3.16)):
        full, pruned = (rows(5)[name][data] for name in ("AIM-EDS (FWE)", "AIM (FWE)"))
        ratio = full["parameters_10_million"] / pruned["parameters_10_million"]
        assert ratio == pytest.approx(times, abs=0.005)
    for better, base, data, percent in (
        ((4, "AIM-IFS-EDS"), (4, "DeepFM"), "Avazu", 0.42),
        ((4, "AIM-IFS-EDS"), (4, "DeepFM"), "Criteo", 0.30),
        ((3, "AIM(3rd)"), (3, "AIM(2nd)"), "Avazu", 0.27),
        ((3, "AIM(4th)"), (3, "AIM(2nd)"), "Avazu", 0.37),
        ((2, "AIM"), (2, "IPNN"), "Avazu", 0.66),
        ((2, "AIM"), (2, "IPNN"), "Criteo", 0.21),
        ((10, "DeepFM+IF(4th)"), (10, "DeepFM"), "Avazu", 0.46),
        ((10, "PNN+IF(4th)"), (10, "PNN"), "Avazu", 0.67),
    ):
        value = relative_improvement(auc(*better, data), auc(*base, data))
        assert round(value, 2) == percent, better


def test_table_6_has_a_row_for_each_field_of_avazu():
    assert len(published.paper(6)["rows"]) == 24
    assert sum(row["vocabulary"] for row in published.paper(6)["rows"]) == 645_195


def test_the_leaderboard_is_whole():
    board = published.leaderboard("Frappe_x1")
    assert len(board) == 36
    assert board["FM"] == {"auc": 0.9671, "log_loss": 0.2065}
    assert board["LR"] == {"auc": 0.9356, "log_loss": 0.3076}
    assert all(0.9 < row["auc"] < 1 and 0.1 < row["log_loss"] < 0.4 for row in board.values())
