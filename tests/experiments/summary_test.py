"""What the binaries print at their end."""

import re

import pytest

from experiments import summary
from experiments.fuzzing.runs import ANALYSIS, METRICS


@pytest.mark.parametrize(
    ("functions", "told_apart", "words"),
    [
        (
            0.5,
            0.25,
            ", with their function 0.50; of those not planted as outer, with a product function "
            "0.25",
        ),
        (0.5, None, ", with their function 0.50"),
        (None, None, ""),
    ],
)
def test_what_was_recovered(capsys, functions, told_apart, words):
    scores = {"recall": 1.0, "precision": 0.75, "functions": functions, "told_apart": told_apart}
    summary.show(METRICS | {"planted": {"2": scores}})
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Planted interactions of order 2: recall 1.00, precision 0.75{words}"


def test_a_line_of_test_is_there_where_its_rows_are(capsys):
    for test, title, last in (
        (METRICS["test"], "; the last line on test", ("test", "0.75000", "0.50000")),
        (None, "; there are no rows of test", ("retrain", "0.75000", "0.50000")),
    ):
        summary.show(METRICS | {"test": test, "planted": {}})
        heading, *_, line, _ = capsys.readouterr().out.splitlines()
        assert heading.strip() == f"AUC and log loss on valid{title}"
        assert tuple(line.replace("│", " ").split()[:3]) == last
    tested = {"valid": METRICS["valid"], "test": None, "parameters": 7}
    summary.show_retrained({"alpha": tested})
    assert capsys.readouterr().out.count("0.75000") == 1


def test_what_is_in_doubt_is_said(capsys):
    search, trained = METRICS["stages"]
    search, good = search | {"auc": 0.9}, trained | {"auc": 0.895, "log_loss": 0.5}
    bad = trained | {"auc": 0.88, "log_loss": 0.7}
    for stages in ([search, good], [good]):
        summary.show(METRICS | {"stages": stages, "constant_log_loss": 0.69})
        assert "Warning" not in capsys.readouterr().out
    of_data = {"doubts": ["skipped [2] lines"]}
    summary.show(METRICS | {"stages": [search, bad], "constant_log_loss": 0.69} | of_data)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Warning")]
    assert said == [
        "Warning: the re-trained model is worse than that of search_interactions_2, AUC 0.88000 to "
        "0.90000 on valid",
        "Warning: the re-trained model is worse than predicting the mean, log loss 0.70000 to "
        "0.69000 on valid",
        "Warning: skipped [2] lines",
    ]


def test_figures_of_an_analysis_are_in_the_columns_of_their_names(capsys):
    statistics = {"interactions": 5, "mean": 0.1, "median": 0.2, "min": 0.3, "max": 0.4}
    sizes = {"dimensions": {"2": {"inner": 1, "outer": 2}, "3": {"inner": 4}}, "dimension": 7}
    field = {"field": "user", "vocabulary_size": 9, "importance": {"auc": 0.5}, **sizes}
    content = {"functions_by_statistics": {"2": statistics}, "dimensions": [field]}
    content |= {"dimension_rank_correlation": -0.25, "top": {"n": 3, "overlap": 2 / 3}}
    summary.show_analysis(ANALYSIS | content)
    lines = [line.strip("│┃ ") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in re.split("[│┃]", line)] for line in lines]
    for rows in (
        ["functions", "interactions", "mean", "median", "min", "max"],
        ["2", "5", "0.10000", "0.20000", "0.30000", "0.40000"],
        ["field", "vocabulary", "dimension", "order 2", "order 3", "AUC lost"],
        ["user", "9", "7", "3", "4", "0.50000"],
        ["2", "75.0%", "25.0%"],
        ["user x item", "0.80000", "0.3000", "1.0000"],
    ):
        assert rows in cells
    assert lines[-1] == "Of the top 3 by alpha, 67% are so by statistics_AUC"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345, "12.3 kB"),
        (999_499, "999 kB"),
        (999_900, "1 MB"),
        (999_500_000, "1 GB"),
        (2_000_000_000_000, "2 TB"),
    ],
)
def test_bytes_have_three_digits(count, shown):
    assert summary.bytes_shown(count) == shown
