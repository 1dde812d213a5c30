"""What each figure shows, read back from its axes."""

import dataclasses
import itertools

import numpy as np
import pytest

from experiments.reporting import figures
from experiments.reporting.drawing import COLORS, STYLE, panel, to_svg
from tests.experiments.reporting.some_runs import ANALYSIS, CURVES, FIELDS, FUNCTIONS, HISTORY

PAIRS = {("user", "item"): 0.4, ("<b>", "user"): 0.1, ("item", "hour & day"): None}
ROWS = [
    {"field": "a", "vocabulary_size": 10, "dimension": 3},
    {"field": "b", "vocabulary_size": 5000, "dimension": 7},
]
ALL = {
    "heat_map": (list(FIELDS), PAIRS, 0.4),
    "functions_by_order": ({2: {"inner": 0.75, "outer": 0.25}, 3: {"inner": 0, "outer": 1}},),
    "alpha_by_statistics": (ANALYSIS["interactions"], FUNCTIONS, "valid"),
    "statistics_by_number": (ANALYSIS["interactions"], "valid"),
    "dimension_by_vocabulary": (ROWS,),
    "gate_paths": (HISTORY, FUNCTIONS),
    "open_gates": (HISTORY,),
    "learning_curves": ({"one": CURVES["auc"], "two": {0: 0.6}}, "auc"),
    "results": ([("base", 0.8, 0.79), ("search", 0.82, None)],),
}


def axes_of(name, *args):
    return panel(getattr(figures, name), *(args or ALL[name])).axes[0]


def test_none_is_left_out():
    drawing = {name for name, value in vars(figures).items() if callable(value)}
    ours = {n for n in drawing if getattr(figures, n).__module__ == figures.__name__}
    public = {name for name in ours if not name.startswith("_")}
    assert public - {"heat_map_width"} == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_both_axes_have_a_label_and_a_unit(name):
    axes = axes_of(name)
    for label in (axes.get_xlabel(), axes.get_ylabel()):
        assert label
        named = label in ("field", "model")  # names have no unit
        assert named or label.endswith(")"), label


@pytest.mark.parametrize("name", ALL)
def test_svg_has_its_text_as_text_and_ids_of_its_own(name):
    figure = axes_of(name).figure
    one, other = to_svg(figure, "one"), to_svg(figure, "other")
    texts = {node.text for node in one.iter("text")}
    assert figure.axes[0].get_xlabel() in texts
    ids = [{n.get("id") for n in svg.iter() if n.get("id")} for svg in (one, other)]
    assert not ids[0] & ids[1]
    referred = {
        value.partition("#")[2].rstrip(")")
        for node in one.iter()
        for value in node.attrib.values()
        if value.startswith(("#one", "url(#"))
    }
    assert referred <= ids[0]


def test_heat_map_puts_a_pair_at_its_fields_and_leaves_the_others_blank():
    axes = axes_of("heat_map")
    columns = [label.get_text() for label in axes.get_xticklabels()]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    (cells,) = [c for c in axes.collections if c.get_array() is not None]
    corners = [path.get_extents().min for path in cells.get_paths()]
    shown = {
        frozenset((columns[int(x)], rows[int(y)])): value
        for (x, y), value in zip(corners, cells.get_array(), strict=True)
    }
    assert shown == {frozenset(q): 0.4 if v is None else v for q, v in PAIRS.items()}
    assert cells.get_clim() == (0, 0.4)


def of_many_fields(count):
    fields = [f"C{i}" for i in range(count)]
    width = figures.heat_map_width(count)
    return panel(figures.heat_map, fields, {("C1", "C2"): 0.3}, 1.0, width=width, height=width)


@pytest.mark.parametrize("count", [39, 100])
def test_heat_map_of_many_fields_has_room_for_each_name(count):
    plot = of_many_fields(count)
    plot.draw_without_rendering()
    labels = plot.axes[0].get_yticklabels()
    assert {label.get_fontsize() for label in labels} == {STYLE["ytick.labelsize"]}
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    assert len(boxes) == count - 1
    assert all(low.y1 < high.y0 + 1 for low, high in itertools.pairwise(boxes))


def test_heat_map_grows_with_the_fields_and_the_kept_pairs_alone():
    few, many = (len(list(to_svg(of_many_fields(n), "x").iter("path"))) for n in (10, 100))
    assert many - few < 3 * 90


def test_functions_by_order_are_percent():
    axes = axes_of("functions_by_order")
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in axes.containers}
    assert heights == {"inner": [75, 0], "outer": [25, 100]}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "3"]


def test_alpha_by_statistics_has_each_kept_unit_and_each_pruned_interaction():
    axes = axes_of("alpha_by_statistics")
    points = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert points == {
        "pruned": [[0.6, 0]],
        "inner": [[0.8, 0.3], [0.7, 0.2]],
        "outer": [[0.8, 0.4]],
    }


def test_statistics_by_number_of_kept_functions():
    axes = axes_of("statistics_by_number")
    medians = [line.get_ydata()[0] for line in axes.lines if line.get_linewidth() == 1.6]
    assert medians == [0.6, 0.7, 0.8]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]


def test_dimension_by_vocabulary():
    axes = axes_of("dimension_by_vocabulary")
    assert axes.lines[0].get_xydata().tolist() == [[10, 3], [5000, 7]]
    assert axes.get_xscale() == "log"


def test_gate_paths_are_absolute_and_colored_by_what_became_of_them():
    axes = axes_of("gate_paths")
    drawn = {tuple(line.get_ydata()): line.get_color() for line in axes.lines}
    assert list(axes.lines[-1].get_ydata()) == HISTORY.thresholds
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["inner", "outer", "pruned", "threshold"]
    colors = [drawn[path] for path in ((0.6, 0.4, 0.3, 0.3), (0.6, 0.5, 0.4, 0.4))]
    assert colors == [figures.color(0), figures.color(1)]
    assert drawn[0.6, 0.2, 0.0, 0.0] not in colors


def test_gate_paths_are_bounded():
    steps = list(range(1000))
    ranks = [(7 * i + 500) % 1000 for i in range(1000)]  # the strongest is in the middle
    values = [[0.6 - rank * step / 2e6 for rank in ranks] for step in steps]
    history = HISTORY.__class__("beta", steps, [None] * 1000, values, None)
    axes = axes_of("gate_paths", history, FUNCTIONS)
    assert len(axes.lines) <= figures.LINES
    assert all(len(line.get_xdata()) <= figures.POINTS for line in axes.lines)
    ends = sorted(line.get_ydata()[-1] for line in axes.lines)
    assert (ends[0], ends[-1]) == (min(values[-1]), max(values[-1]))
    assert max(np.diff(ends)) < 2 * (ends[-1] - ends[0]) / len(ends), "of every strength"


NAMES = ("_mine", "a$b$", r"$\frac$")
OPEN = dataclasses.replace(HISTORY, values=[[0.6] * 3] * 4, units=[[name, []] for name in NAMES])


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("functions_by_order", ({2: dict.fromkeys(NAMES, 1 / 3)},)),
        (
            "alpha_by_statistics",
            ([{"statistics_auc": 0.7, "alpha": dict.fromkeys(NAMES, 0.1)}], NAMES, "valid"),
        ),
        ("gate_paths", (OPEN, NAMES)),
        ("learning_curves", ({name: {0: 0.6} for name in NAMES}, "auc")),
    ],
)
def test_legends_have_every_name_as_it_is(name, args):
    axes = axes_of(name, *args)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [text for text in legend if text in NAMES] == list(NAMES)
    assert set(NAMES) <= {node.text for node in to_svg(axes.figure, "x").iter("text")}


def test_series_of_one_color_have_distinct_markers():
    curves = {str(i): {0: 0.6} for i in range(len(COLORS) ** 2)}
    lines = axes_of("learning_curves", curves, "auc").lines[::2]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(curves)


def test_open_gates_are_counted():
    (line,) = axes_of("open_gates").lines
    assert line.get_xydata().tolist() == [[0, 3], [2, 3], [4, 2], [5, 2]]


def test_learning_curves_count_epochs_from_one_and_mark_the_best():
    lines = axes_of("learning_curves").lines
    points = [line.get_xydata().tolist() for line in lines]
    assert points == [[[1, 0.7], [2, 0.8], [3, 0.75]], [[2, 0.8]], [[1, 0.6]], [[1, 0.6]]]
    lowest = axes_of("learning_curves", {"one": CURVES["log_loss"]}, "log_loss").lines[1]
    assert lowest.get_xydata().tolist() == [[2, 0.4]]


def test_results_show_test_where_it_was_read():
    axes = axes_of("results")
    points = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert points == [[[0.8, 0]], [[0.79, 0]], [[0.82, 1]]]
    assert [text.get_text() for text in axes.texts] == ["base", "search"]
