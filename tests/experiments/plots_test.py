"""What Figures 7 and 8 show as files; tests/experiments/reporting has what is on each axes."""

from experiments import plots

FUNCTIONS = ["inner", "outer"]
ANALYSIS = {
    "split": "valid",
    "functions": FUNCTIONS,
    "function_frequency": {
        "2": {"inner": 0.75, "outer": 0.25},
        "3": {"inner": 1.0, "outer": 0.0},
    },
    "interactions": [
        {"interaction": ["a", "b"], "statistics_auc": 0.8, "alpha": {"inner": 0.3, "outer": 0.1}},
        {"interaction": ["a", "c"], "statistics_auc": 0.7, "alpha": {"inner": 0.2}},
        {"interaction": ["b", "c"], "statistics_auc": 0.6, "alpha": {}},
        {"interaction": ["c", "d"], "statistics_auc": 0.5, "alpha": {}},
    ],
}


def test_figure_7_has_alpha_against_statistics():
    (axes,) = plots.figure_7(ANALYSIS).axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["pruned", *FUNCTIONS]
    assert axes.get_xlabel() == "statistics_AUC on valid (no unit)"


def test_figure_8_has_frequencies_by_order_and_statistics_by_number():
    left, right = plots.figure_8(ANALYSIS).axes
    assert [text.get_text() for text in left.get_xticklabels()] == ["2", "3"]
    assert [text.get_text() for text in right.get_xticklabels()] == ["0", "1", "2"]


def test_figure_8_of_a_search_that_kept_nothing():
    left, right = plots.figure_8(ANALYSIS | {"function_frequency": {}}).axes
    assert not left.patches
    assert right.lines or right.collections or right.patches


def test_writes_both(tmp_path):
    names = plots.plot(ANALYSIS, tmp_path / "results", "shop")
    assert names == ["shop_fig_7.png", "shop_fig_8.png"]
    for name in names:
        assert (tmp_path / "results" / name).read_bytes().startswith(b"\x89PNG")
