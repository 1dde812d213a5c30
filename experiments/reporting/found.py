"""The sections of what a run found; an empty list where it has nothing for one."""

import shlex

from aim_keras import analysis
from experiments.reporting import figures
from experiments.reporting.drawing import WIDE, color, panel
from experiments.reporting.kept import alpha_shown, heat_maps, ranking, scale_end
from experiments.reporting.page import (
    bar,
    beside,
    element,
    figure,
    folded,
    gallery,
    section,
    swatch,
    table,
)

SHOWN_BESIDE = 10  # rows beside a figure


def interactions(run):
    """Which interactions were kept, with which functions."""
    if not run.orders:
        return _groups(run)
    parts = []
    for order in run.orders:
        parts.append(element("h3", "Pairs of fields" if order == 2 else f"Order {order}"))
        parts += _pairs(run) if order == 2 else _ranking(run, order)
    return [
        section(
            "interactions",
            "Kept interactions",
            "The gate alpha of each kept interaction and function, as the last search of "
            "interactions left it, in this run or in the one that its architecture is from: the "
            "darker, the stronger. What was pruned is blank. Products are normalised before their "
            "gates, so alphas are on one scale.",
            *parts,
        )
    ]


def _pairs(run):
    kept = run.kept(2)
    alphas = {f: {pair: of[f] for pair, of in kept.items() if f in of} for f in run.functions}
    highest = scale_end(alpha for of in kept.values() for alpha in of.values())
    ranked = sorted(kept, key=lambda pair: -_strongest(kept[pair]))
    rows = [
        (
            " × ".join(pair),
            *(alpha_shown(kept[pair][f]) if f in kept[pair] else "" for f in run.functions),
        )
        for pair in ranked
    ]
    columns = ("pair", *run.functions)
    units = ("", *("|alpha|" for _ in run.functions))
    title = f"All {len(rows):,} kept pairs in numbers"
    return [
        heat_maps(list(run.fields), alphas, highest),
        folded(title, table(title, columns, rows, units=units)),
    ]


def _ranking(run, order):
    units = [(of[k], k, q) for q, of in run.kept(order).items() for k in of]
    units.sort(key=lambda unit: -(unit[0] or 0.0))
    highest = max((alpha or 0.0 for alpha, _, _ in units), default=0.0) or 1.0
    rows = [
        (
            " × ".join(interaction),
            element("span", swatch(color(run.functions.index(function))), function),
            alpha_shown(alpha),
            bar((alpha or 0.0) / highest, color(run.functions.index(function))),
        )
        for alpha, function, interaction in units
    ]
    columns = ("interaction", "function", "|alpha|", "")
    return ranking(f"Order {order}", columns, rows)


def _groups(run):
    if run.found is None:
        return []
    rows = [
        (str(order), str(number + 1), ", ".join(fields))
        for order in run.found.orders
        for number, fields in run.found.units(order)
    ]
    return [
        section(
            "groups",
            "Groups of fields",
            "Fields whose sum of embeddings is raised to the power of the group's order.",
            table("Groups of fields", ("order", "group", "fields"), rows),
        )
    ]


def _strongest(alpha):
    return max((value or 0.0 for value in alpha.values()), default=0.0)


def functions(run):
    """How often each function was kept (Fig. 8)."""
    if not run.orders:
        return []
    frequency = analysis.function_frequency(run.found)
    panels = [
        figure(
            "Kept functions by order",
            "The share of each function in the kept units of an order (paper, Fig. 8).",
            panel(figures.functions_by_order, frequency, width=WIDE, height=240),
            "functions",
        )
    ]
    if run.analysis:
        rows, split = run.analysis["interactions"], run.analysis["split"]
        panels.append(
            figure(
                "statistics_AUC by number of functions",
                f"Of order {run.analysis['order']}, as their search kept them: median, quartiles, "
                "and points beyond 1.5 times their distance (paper, Fig. 8).",
                panel(figures.statistics_by_number, rows, split, width=WIDE, height=240),
                "numbers",
            )
        )
    return [
        section(
            "functions",
            "Interaction functions",
            "Which functions were kept, and whether interactions that say more by themselves kept "
            "more of them.",
            gallery(*panels, width=WIDE),
        )
    ]


def statistics(run):
    """Alpha against statistics_AUC (Fig. 7)."""
    kept = [order for order, of in run.searched.items() if of.units(order)]
    if not kept:
        return []
    if run.analysis is None:
        command = f"python -m experiments.analyze --run_dir={shlex.quote(str(run.path))}"
        command += "" if 2 in kept else f" --order={min(kept)}"
        code = element("code", command)
        part = element("p", "Not counted yet. ", code, " counts it and adds it here.")
    else:
        part = _against_statistics(run.analysis)
    return [
        section(
            "statistics",
            "Alpha against the data",
            "statistics_AUC is the AUC of predicting a click by the interaction's own "
            "click-through rate. A search that keeps what the data support keeps interactions to "
            "the right.",
            part,
        )
    ]


def _against_statistics(found):
    caption = (
        f"Interactions of order {found['order']}. A point is an interaction with one function that "
        "their search kept, later stages may have dropped it; a stroke at zero is an interaction "
        "that it pruned (paper, Fig. 7)."
    )
    if found["alpha_rank_correlation"] is not None:
        caption += f" Rank correlation: {found['alpha_rank_correlation']:.2f}."
    rows = [
        (
            " × ".join(row["interaction"]),
            f"{row['statistics_auc']:.4f}",
            alpha_shown(_strongest(row["alpha"])) if row["alpha"] else "–",
        )
        for row in found["interactions"][:SHOWN_BESIDE]
    ]
    plot = panel(
        figures.alpha_by_statistics,
        found["interactions"],
        found["functions"],
        found["split"],
        width=WIDE,
        height=290,
    )
    columns = ("interaction", "statistics_AUC", "strongest |alpha|")
    return beside(
        figure("Alpha by statistics_AUC", caption, plot, "statistics"),
        table(
            "The highest statistics_AUC", columns, rows, units=("the highest", "", "– if pruned")
        ),
        width=WIDE,
    )


def dimensions(run):
    """Embedding sizes against vocabularies (Table 6)."""
    rows = run.dimensions()
    if not rows:
        return []
    largest = max(row["dimension"] for row in rows) or 1
    analysed = run.analysis["dimensions"] if run.analysis else []
    importance = {row["field"]: row["importance"]["auc"] for row in analysed if "importance" in row}
    correlation = analysis.rank_correlation(
        [row["vocabulary_size"] for row in rows], [row["dimension"] for row in rows]
    )
    caption = "A point is a field (paper, Table 6)."
    if correlation is not None:
        caption += f" Rank correlation: {correlation:.2f}."
    cells = [
        (
            row["field"],
            f"{row['vocabulary_size']:,}",
            f"{row['dimension']}",
            bar(row["dimension"] / largest),
            *([f"{importance[row['field']]:.4f}"] if importance else []),
        )
        for row in rows
    ]
    titles, units = ["field", "vocabulary", "size", ""], ["", "ids", "dimensions", ""]
    if importance:
        titles, units = [*titles, "AUC lost"], [*units, "field permuted"]
    return [
        section(
            "dimensions",
            "Embedding sizes",
            "How many embedding dimensions of each field the kept interactions read, summed over "
            f"its embeddings, one a function; each had {run.found.embedding_dim} to start with.",
            beside(
                figure(
                    "Embedding size by vocabulary",
                    caption,
                    panel(figures.dimension_by_vocabulary, rows, width=WIDE, height=290),
                    "dimensions",
                ),
                table("Embedding sizes", titles, cells, units=units),
                width=WIDE,
            ),
        )
    ]
