"""The figures of a report, each drawn on given axes, with labels and units on both."""

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator

from experiments.reporting.drawing import AMOUNT, FAINT, INK, MUTED, color, marker, shortened

QUANTITIES = {
    "loss": "training loss (nats)",
    "auc": "AUC on valid (no unit)",
    "log_loss": "log loss on valid (nats)",
}
LINES = 100  # of gates in a figure
POINTS = 100  # of a line


def heat_map_width(count):
    """Pixels in which the names of so many fields can be read."""
    return max(262, 66 + 12 * count)


def heat_map(axes, fields, values, highest):
    """A triangle of all pairs of fields; a pair without a value of |alpha| is blank.

    Args:
        fields: Names of the fields.
        values: `{(field, field): value}`; a value may be `None`: kept, without alpha.
        highest: The value at the end of the colors.
    """
    position = {field: i for i, field in enumerate(fields)}
    count = len(fields) - 1
    edge = {"edgecolor": "white", "lw": 0.4}
    places, lines = np.arange(count) + 0.5, np.arange(1, count)
    axes.barh(places, places + 0.5, height=1, color="#f5f7fa", **edge)
    axes.vlines(lines, lines, count, **edge)
    pairs = [sorted((position[one], position[other])) for one, other in values]
    cells = PatchCollection(
        [Rectangle((column, row - 1), 1, 1) for column, row in pairs],
        cmap=AMOUNT,
        clim=(0, highest),
        **edge,
    )
    cells.set_array([highest if value is None else value for value in values.values()])
    axes.add_collection(cells)
    axes.set_xticks(places, [shortened(f) for f in fields[:-1]], rotation=90)
    axes.set_yticks(places, [shortened(f) for f in fields[1:]])
    axes.tick_params(length=0, pad=2)
    axes.set(xlim=(0, count), ylim=(count, 0), aspect="equal", xlabel="field", ylabel="field")
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if any(value is not None for value in values.values()):
        scale = axes.inset_axes((0.5, 0.9, 0.48, 0.035))
        bar = axes.figure.colorbar(cells, cax=scale, orientation="horizontal")
        bar.set_label("|alpha| (no unit)", labelpad=2, fontsize=7.5)
        bar.outline.set_visible(False)
        bar.set_ticks([0, highest], labels=["0", f"{highest:.2g}"])
        scale.tick_params(length=2, pad=1)


def functions_by_order(axes, frequency):
    """Share of each function in the kept units of an order (AIM, Fig. 8).

    Args:
        frequency: `{order: {function: share}}`.
    """
    functions = list(next(iter(frequency.values()), ()))
    bars = []
    for i, function in enumerate(functions):
        width = 0.8 / len(functions)
        shares = [100 * of_order[function] for of_order in frequency.values()]
        places = np.arange(len(frequency)) + (i + 0.5) * width - 0.4
        bars.append(axes.bar(places, shares, 0.9 * width, color=color(i), label=function))
    axes.set_xticks(range(len(frequency)), [str(order) for order in frequency])
    axes.set(xlabel="order (fields in an interaction)", ylabel="share of kept units (%)")
    axes.grid(False, axis="x")
    _legend(axes, bars)


def alpha_by_statistics(axes, rows, functions, split):
    """Alpha of each kept unit against its interaction's statistics_AUC (AIM, Fig. 7).

    Args:
        rows: `interactions` of `analysis.json`.
        functions: Names of the functions.
        split: Where statistics_AUC was evaluated.
    """
    pruned = [row["statistics_auc"] for row in rows if not row["alpha"]]
    zeros = [0] * len(pruned)
    lines = axes.plot(pruned, zeros, "|", color=MUTED, ms=6, mew=0.8, label="pruned")
    for i, function in enumerate(functions):
        kept = [row for row in rows if function in row["alpha"]]
        lines += axes.plot(
            [row["statistics_auc"] for row in kept],
            [row["alpha"][function] for row in kept],
            marker(i),
            color=color(i),
            alpha=0.8,
            mew=0,
            ms=4.5,
            label=function,
        )
    axes.set(xlabel=f"statistics_AUC on {split} (no unit)", ylabel="|alpha| (no unit)")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _legend(axes, lines)


def statistics_by_number(axes, rows, split):
    """statistics_AUC of the interactions that kept no function, one, two and so on (Fig. 8)."""
    by_number = {}
    for row in rows:
        by_number.setdefault(len(row["alpha"]), []).append(row["statistics_auc"])
    numbers = sorted(by_number)
    line = {"color": MUTED, "lw": 0.8}
    axes.boxplot(
        [by_number[number] for number in numbers],
        positions=numbers,
        widths=0.5,
        patch_artist=True,
        boxprops={"facecolor": "#d9e8f3", "edgecolor": MUTED, "lw": 0.8},
        whiskerprops=line,
        capprops=line,
        medianprops={"color": INK, "lw": 1.6},
        flierprops={"marker": ".", "ms": 4, "markeredgecolor": MUTED},
    )
    axes.set(xlabel="kept functions (number)", ylabel=f"statistics_AUC on {split} (no unit)")
    axes.grid(False, axis="x")


def dimension_by_vocabulary(axes, rows):
    """Kept embedding dimensions of each field against its vocabulary (AIM, Table 6)."""
    sizes = [row["vocabulary_size"] for row in rows]
    dimensions = [row["dimension"] for row in rows]
    axes.plot(sizes, dimensions, "o", color=color(0), alpha=0.75, mew=0, ms=5)
    axes.set(xlabel="vocabulary (ids)", ylabel="embedding size (dimensions)")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    if max(sizes) > 20 * min(sizes):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def gate_paths(axes, gates, functions):
    """|gate| of gates of every strength and of some that were pruned, with GRDA's threshold.

    Args:
        gates: `collect.Gates`.
        functions: Names of the functions, in the order of their colors.

    Returns:
        How many gates are drawn.
    """
    values = np.abs(gates.values)
    thinned = _some(np.arange(len(values)), POINTS)
    steps = np.array(gates.steps)[thinned]
    opened, closed = np.flatnonzero(values[-1]), np.flatnonzero(values[-1] == 0)
    chosen = [
        *_some(closed, LINES - min(len(opened), LINES // 2)),
        *_some(opened[np.argsort(values[-1][opened], kind="stable")], LINES // 2),
    ]
    labels = {}
    for gate in chosen:
        if not values[-1][gate]:
            label, shade = "pruned", "#b8c2cc"
        elif gates.units is None:
            label, shade = "open at the end", color(0)
        else:
            label = gates.units[gate][0]
            shade = color(functions.index(label))
        (line,) = axes.plot(
            steps, values[thinned, gate], color=shade, lw=0.8, alpha=0.8, label=label
        )
        labels.setdefault(label, line)
    if gates.thresholds[-1] is not None:
        threshold = np.array(gates.thresholds)[thinned]
        style = {"color": INK, "lw": 1.6, "ls": (0, (3, 2))}
        (labels["threshold"],) = axes.plot(steps, threshold, label="threshold", **style)
    axes.set(xlabel="step (batches)", ylabel="|gate| and threshold (no unit)")
    axes.set_ylim(bottom=0)
    _steps(axes)
    order = [k for k in (*functions, "open at the end", "pruned", "threshold") if k in labels]
    _legend(axes, [labels[k] for k in order])
    return len(chosen)


def open_gates(axes, gates):
    """How many gates are not zero."""
    counts = np.count_nonzero(gates.values, axis=1)
    axes.plot(gates.steps, counts, color=color(0))
    axes.set(xlabel="step (batches)", ylabel="open gates (number)")
    axes.set_ylim(0, 1.05 * max(counts.max(), 1))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    _steps(axes)


def learning_curves(axes, curves, quantity):
    """A quantity after each epoch, the best one marked.

    Args:
        curves: `{name: {epoch: value}}`, epochs counted from 0.
        quantity: Name out of `QUANTITIES`.
    """
    best = max if quantity == "auc" else min
    lines = []
    for i, (name, curve) in enumerate(curves.items()):
        epochs = [epoch + 1 for epoch in curve]
        style = {"color": color(i), "marker": marker(i), "ms": 3, "mew": 0}
        lines += axes.plot(epochs, curve.values(), label=shortened(name, 28), **style)
        at = best(curve, key=curve.get)
        axes.plot(at + 1, curve[at], "o", ms=8, mfc="none", mec=color(i), mew=1)
    axes.set(xlabel="epoch (number)", ylabel=QUANTITIES[quantity])
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    _legend(axes, lines, columns=1)


def results(axes, entries):
    """AUC on valid, and on test where it was read, of each of several models.

    Args:
        entries: `[(name, AUC on valid, AUC on test or None)]`.
    """
    points = {}
    for row, (name, valid, test) in enumerate(entries):
        axes.axhline(row, color=FAINT, lw=0.8, zorder=0)
        axes.annotate(
            shortened(name, 44), (0, row), (0, 6), axes.get_yaxis_transform(), "offset points"
        )
        series = ((valid, "valid", {"mfc": "white"}), (test, "test", {"mfc": color(0)}))
        for value, label, face in series:
            if value is not None:
                (point,) = axes.plot(value, row, "o", ms=6, mec=color(0), label=label, **face)
                points.setdefault(label, point)
    axes.set(ylim=(len(entries) - 0.5, -0.7), xlabel="AUC (no unit)", ylabel="model")
    axes.set_yticks([])
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.spines["left"].set_visible(False)
    _legend(axes, points.values())


def _some(items, number):
    """At most so many items, evenly spaced, the first and the last among them."""
    places = np.linspace(0, len(items) - 1, min(number, len(items)))
    return items[places.round().astype(int)]


def _steps(axes):
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _legend(axes, series, columns=None):
    """Above the axes, where nothing is drawn; of itself matplotlib would leave out `_names`."""
    axes.legend(
        series,
        [of.get_label() for of in series],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns or (2 if len(series) == 4 else 3),
        borderaxespad=0.3,
        columnspacing=1,
        handlelength=1.2,
        handletextpad=0.5,
    )
