"""The tables at the end of a run and of its analysis, and how numbers are shown."""

import math
import sys

from rich.console import Console
from rich.table import Table

SHOWN = 20  # interactions in a printed table
LOST = 0.01  # of AUC from a search to the re-training: more is said


def show(results):
    """Prints the stages of a run, its test metrics, doubts about it and, on planted data, what was
    recovered.

    Args:
        results: The content of `metrics.json`.
    """
    test = results["test"]
    last = "the last line on test" if test else "there are no rows of test"
    table = Table(title=f"AUC and log loss on valid; {last}")
    add_columns(table, "stage", "AUC", "log loss", "interactions", "units", "parameters", "seconds")
    for record in results["stages"]:
        table.add_row(
            record["stage"],
            *metrics(record),
            by_order(record["interactions"]),
            by_order(record["units"]),
            f"{record['parameters']:,}",
            f"{record['seconds']:.1f}",
        )
    if test:
        table.add_section()
        table.add_row("test", *metrics(test))
    console = new_console()
    console.print(table)
    for doubt in doubts(results):
        console.print(f"Warning: {doubt}", soft_wrap=True)
    for order, scores in results.get("planted", {}).items():
        shares = {
            f"Planted interactions of order {order}: recall": scores["recall"],
            ", precision": scores["precision"],
            ", with their function": scores.get("functions"),
            "; of those not planted as outer, with a product function": scores.get("told_apart"),
        }
        known = (f"{what} {share:.2f}" for what, share in shares.items() if share is not None)
        console.print("".join(known), soft_wrap=True)


def doubts(results):
    """Doubts about a run, a sentence each: about its training, and about its data."""
    *searches, trained = results["stages"]
    best = max(searches, key=lambda record: record["auc"], default=trained)
    if trained["auc"] < best["auc"] - LOST:
        yield (
            f"the re-trained model is worse than that of {best['stage']}, "
            f"AUC {trained['auc']:.5f} to {best['auc']:.5f} on valid"
        )
    constant = results.get("constant_log_loss", math.inf)
    if trained["log_loss"] >= constant:
        yield (
            "the re-trained model is worse than predicting the mean, "
            f"log loss {trained['log_loss']:.5f} to {constant:.5f} on valid"
        )
    yield from results.get("doubts", ())  # not before there were such


def show_analysis(content):
    """Prints an analysis: functions, interactions and dimensions against the data.

    Args:
        content: The content of `analysis.json`.
    """
    console = new_console()
    functions = content["functions"]
    console.print(_frequency_table(content["function_frequency"], functions))
    console.print(_interaction_table(content, functions))
    console.print(_number_table(content["functions_by_statistics"]))
    console.print(_dimension_table(content["dimensions"]))
    top = content["top"]
    console.print(
        f"Rank correlation of alpha and statistics_AUC: {_or_none(content, 'alpha')}, "
        f"of dimension and vocabulary size: {_or_none(content, 'dimension')}"
    )
    console.print(f"Of the top {top['n']} by alpha, {top['overlap']:.0%} are so by statistics_AUC")


def show_retrained(retrained):
    """Prints what the top interactions of both rankings reached, re-trained."""
    table = Table(title="Re-trained with the top interactions")
    add_columns(table, "by", "valid AUC", "log loss", "test AUC", "log loss", "parameters")
    for name, record in retrained.items():
        scores = *metrics(record["valid"]), *metrics(record["test"])
        table.add_row(name, *scores, f"{record['parameters']:,}")
    new_console().print(table)


def _frequency_table(frequency, functions):
    table = Table(title="Share of each function in the kept units")
    add_columns(table, "order", *functions)
    for order, shares in frequency.items():
        table.add_row(str(order), *(f"{shares[k]:.1%}" for k in functions))
    return table


def _interaction_table(content, functions):
    table = Table(title=f"statistics_AUC on {content['split']}, and |alpha| of what was kept")
    add_columns(table, "interaction", "statistics_AUC", *functions)
    for row in content["interactions"][:SHOWN]:
        alpha = (f"{row['alpha'][k]:.4f}" if k in row["alpha"] else "" for k in functions)
        table.add_row(" x ".join(row["interaction"]), f"{row['statistics_auc']:.5f}", *alpha)
    if (left := len(content["interactions"]) - SHOWN) > 0:
        table.add_row(f"and {left} more")
    return table


def _number_table(numbers):
    table = Table(title="statistics_AUC by number of kept functions")
    add_columns(table, "functions", "interactions", "mean", "median", "min", "max")
    for number, row in numbers.items():
        values = (f"{row[name]:.5f}" for name in ("mean", "median", "min", "max"))
        table.add_row(str(number), str(row["interactions"]), *values)
    return table


def _dimension_table(rows):
    table = Table(title="Kept dimensions by vocabulary size, and AUC lost with the field permuted")
    orders = list(rows[0]["dimensions"])
    of_orders = (f"order {order}" for order in orders)
    add_columns(table, "field", "vocabulary", "dimension", *of_orders, "AUC lost")
    for row in rows:
        of_orders = (sum(row["dimensions"][order].values()) for order in orders)
        numbers = (row["vocabulary_size"], row["dimension"], *of_orders)
        lost = f"{row['importance']['auc']:.5f}"
        table.add_row(row["field"], *(f"{number:,}" for number in numbers), lost)
    return table


def add_columns(table, first, *others):
    """Adds columns, of which all but the first hold numbers."""
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")


def new_console():
    """Where tables are printed: as wide as the terminal, or as a file can be read."""
    width = None if sys.stdout.isatty() else 140
    return Console(width=width, markup=False, emoji=False)


def _or_none(content, name):
    value = content[f"{name}_rank_correlation"]
    return "none" if value is None else f"{value:.2f}"


def metrics(record):
    """AUC and log loss of a record, as they are shown; nothing of none."""
    return (f"{record['auc']:.5f}", f"{record['log_loss']:.5f}") if record else ("", "")


def by_order(counts):
    """Numbers of each order, as they are shown."""
    return " + ".join(str(count) for count in counts.values()) or "0"


def bytes_shown(count):
    """A number of bytes, as it is shown: three digits and a unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:  # which three digits round to the next unit
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
