"""Figures 7 and 8 of the paper, of what an analysis found."""

from matplotlib.figure import Figure


def plot(analysis, folder, name):
    """Writes both figures as PNG files.

    Args:
        analysis: The content of `analysis.json`.
        folder: `pathlib.Path` of the folder to write to.
        name: Start of the files' names.

    Returns:
        The files' names.
    """
    figures = {f"{name}_fig_7.png": figure_7(analysis), f"{name}_fig_8.png": figure_8(analysis)}
    folder.mkdir(parents=True, exist_ok=True)
    for file, figure in figures.items():
        figure.tight_layout()
        figure.savefig(folder / file, dpi=120, metadata={"Software": None})
    return list(figures)


def figure_7(analysis):
    """Alpha of each interaction and function against the interaction's statistics_AUC."""
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    for function in analysis["functions"]:
        values = [row["alpha"].get(function, 0.0) for row in analysis["interactions"]]
        aucs = [row["statistics_auc"] for row in analysis["interactions"]]
        axes.scatter(aucs, values, s=14, alpha=0.7, label=function)
    axes.set_xlabel(f"statistics_AUC on {analysis['split']}")
    axes.set_ylabel("|alpha|, 0 where pruned")
    axes.legend(fontsize=8)
    return figure


def figure_8(analysis):
    """How often each function is kept, and statistics_AUC by the number of kept functions."""
    figure = Figure(figsize=(10, 4))
    left, right = figure.subplots(1, 2)
    functions, frequency = analysis["functions"], analysis["function_frequency"]
    width = 0.8 / len(functions)
    for i, function in enumerate(functions):
        places = [place + i * width for place in range(len(frequency))]
        left.bar(places, [shares[function] for shares in frequency.values()], width, label=function)
    centers = [place + 0.4 - width / 2 for place in range(len(frequency))]
    left.set_xticks(centers, [f"order {order}" for order in frequency])
    left.set_ylabel("share of the kept units")
    left.set_ylim(top=1.3 * left.get_ylim()[1])
    left.legend(fontsize=8, ncols=2)
    by_number = {}
    for row in analysis["interactions"]:
        by_number.setdefault(len(row["alpha"]), []).append(row["statistics_auc"])
    numbers = sorted(by_number)
    right.boxplot([by_number[number] for number in numbers], positions=numbers)
    right.set_xlabel("number of kept functions")
    right.set_ylabel(f"statistics_AUC on {analysis['split']}")
    return figure
