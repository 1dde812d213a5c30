"""What Figures 7 and 8 show."""

import pytest

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


def test_figure_7_has_each_interaction_and_function():
    (axes,) = plots.figure_7(ANALYSIS).axes
    points = [series.get_offsets().tolist() for series in axes.collections]
    assert points == [
        [[0.8, 0.3], [0.7, 0.2], [0.6, 0.0], [0.5, 0.0]],
        [[0.8, 0.1], [0.7, 0.0], [0.6, 0.0], [0.5, 0.0]],
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == FUNCTIONS
    assert axes.get_xlabel() == "statistics_AUC on valid"


def test_figure_8_has_frequencies_by_order_and_statistics_by_number():
    left, right = plots.figure_8(ANALYSIS).axes
    heights = [[bar.get_height() for bar in bars] for bars in left.containers]
    assert heights == [[0.75, 1.0], [0.25, 0.0]]
    assert [text.get_text() for text in left.get_xticklabels()] == ["order 2", "order 3"]
    assert [text.get_text() for text in right.get_xticklabels()] == ["0", "1", "2"]
    medians = [line.get_ydata()[0] for line in right.lines if line.get_color() != "black"]
    assert pytest.approx([0.55, 0.7, 0.8]) == sorted(medians)


def test_writes_both(tmp_path):
    names = plots.plot(ANALYSIS, tmp_path / "results", "shop")
    assert names == ["shop_fig_7.png", "shop_fig_8.png"]
    for name in names:
        assert (tmp_path / "results" / name).read_bytes().startswith(b"\x89PNG")
