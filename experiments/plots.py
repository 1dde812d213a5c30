"""Figures 7 and 8 of the paper, of what an analysis found, as files."""

import matplotlib
from matplotlib.figure import Figure

from experiments.reporting import figures
from experiments.reporting.drawing import STYLE, panel


def plot(analysis, folder, name):
    """Writes both figures as PNG files.

    Args:
        analysis: The content of `analysis.json`.
        folder: `pathlib.Path` of the folder to write to.
        name: Start of the files' names.

    Returns:
        The files' names.
    """
    files = {f"{name}_fig_7.png": figure_7(analysis), f"{name}_fig_8.png": figure_8(analysis)}
    folder.mkdir(parents=True, exist_ok=True)
    for file, figure in files.items():
        figure.savefig(folder / file, dpi=120, metadata={"Software": None})
    return list(files)


def figure_7(analysis):
    """Alpha of each interaction and function against the interaction's statistics_AUC."""
    names = ("interactions", "functions", "split")
    arguments = (analysis[name] for name in names)
    return panel(figures.alpha_by_statistics, *arguments, width=576, height=384)


def figure_8(analysis):
    """How often each function is kept, and statistics_AUC by the number of kept functions."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 4))
        left, right = figure.subplots(1, 2)
        figures.functions_by_order(left, analysis["function_frequency"])
        figures.statistics_by_number(right, analysis["interactions"], analysis["split"])
    return figure
