"""How cost grows as a picture: step time and memory against each axis, on logarithmic scales."""

import numpy as np
from matplotlib.figure import Figure

from experiments.benchmarks.growth_fit import Law, is_measured

PANELS = {"milliseconds": ("milliseconds a step", 1), "bytes": ("GB of memory", 2**30)}


def plot(results, path):
    """Writes a PNG: an axis a column, a cost a row.

    Markers are filled where measured and hollow where extrapolated; a dashed line is the fitted
    law.

    Args:
        results: The content of the JSON.
        path: Path of the file.
    """
    axes = results["axes"]
    figure = Figure(figsize=(1 + 4 * len(axes), 8))
    panels = figure.subplots(len(PANELS), len(axes), squeeze=False)
    for row, (cost, (label, unit)) in zip(panels, PANELS.items(), strict=True):
        for panel, axis in zip(row, axes.values(), strict=True):
            for i, (name, series) in enumerate(axis["series"].items()):
                _plot_series(panel, name, series, cost, unit, color=f"C{i}")
            panel.set(xlabel=axis["label"], ylabel=label)
            if panel.has_data():
                entries = [e for series in axis["series"].values() for e in series["points"]]
                _scale(panel, sorted({entry["x"] for entry in entries}))
    figure.suptitle(f"{results['machine']['processor']}, {results['machine']['cores']} cores")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _scale(panel, ticks):
    panel.set(xscale="log", yscale="log")
    panel.set_xticks([], minor=True)
    panel.set_xticks(ticks, [_short(x) for x in ticks], fontsize=8)
    panel.legend(fontsize=7)


def _plot_series(panel, name, series, cost, unit, color):
    points = [entry for entry in series["points"] if entry.get(cost) is not None]
    if not points:
        return
    fit = series["fits"][cost]
    label = f"{name}: exponent {fit['exponent']:.2f}" if fit else name
    for chosen, face in ((True, color), (False, "none")):
        entries = [entry for entry in points if is_measured(entry) == chosen]
        x, y = ([entry[key] for entry in entries] for key in ("x", cost))
        style = {"color": color, "markerfacecolor": face, "label": label if chosen else None}
        panel.plot(x, np.array(y) / unit, "o", linestyle="-" if chosen else "none", **style)
    if fit:
        x = np.geomspace(fit["first"], max(entry["x"] for entry in points))
        panel.plot(x, Law(**fit)(x) / unit, "--", color=color, linewidth=1)


def _short(x):
    return f"{x:g}" if x < 10_000 else f"{x:.0e}".replace("e+0", "e")
