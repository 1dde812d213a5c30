"""The tables at the end of a run, its analysis, a benchmark, a sweep, a comparison, serving."""

import math
import sys

from rich.console import Console
from rich.table import Table

SHOWN = 20  # interactions in a printed table
LOST = 0.01  # of AUC from a search to the re-training: more is said
UNITS = {"ms": "milliseconds", "MB": "bytes"}  # of a sweep's costs


def show(results):
    """Prints the stages of a run, its test metrics, what of them is in doubt and, on planted data,
    what was recovered.

    Args:
        results: The content of `metrics.json`.
    """
    test = results["test"]
    last = "the last line on test" if test else "there are no rows of test"
    table = Table(title=f"AUC and log loss on valid; {last}")
    _add_columns(
        table, "stage", "AUC", "log loss", "interactions", "units", "parameters", "seconds"
    )
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
    console = _console()
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
    """What of a run is in doubt, a sentence each: of its training, and of its data."""
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
    console = _console()
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
    _add_columns(table, "by", "valid AUC", "log loss", "test AUC", "log loss", "parameters")
    for name, record in retrained.items():
        scores = *metrics(record["valid"]), *metrics(record["test"])
        table.add_row(name, *scores, f"{record['parameters']:,}")
    _console().print(table)


def show_benchmark(results):
    """Prints what a benchmark measured, and which peers were left out.

    Args:
        results: The content of its JSON.
    """
    table = Table(title="Medians; times in milliseconds a step")
    columns = ("measurement", "ratio", "target", "met", "shape", "ours", "limit", "ours / limit")
    _add_columns(table, *columns, "others")
    table.columns[0].no_wrap = True
    for name, entry in results["measurements"].items():
        if "error" in entry:
            table.add_row(name, "error", "", "no", "", "", "", "", entry["error"])
            continue
        limit = entry.get("limit_ms")
        others = (f"{other} {ms:.4g}" for other, ms in entry["other_ms"].items())
        table.add_row(
            name,
            f"{entry['ratio']:.4g}",
            entry["goal"],
            "yes" if entry["met"] else "no",
            entry["shape"],
            "" if entry["ours_ms"] is None else f"{entry['ours_ms']:.4g}",
            "" if limit is None else f"{limit:.3g}",
            "" if limit is None else f"{entry['ours_ms'] / limit:.3g}",
            "\n".join(others),
        )
    console = _console()
    console.print(table)
    skipped = {
        k: v for e in results["measurements"].values() for k, v in e.get("skipped", {}).items()
    }
    for name, reason in skipped.items():
        console.print(f"Without {name}: {reason}")


def show_serving(results):
    """Prints the latency of an exported model by signature and candidates.

    Args:
        results: What `serve_bench.bench` gives.
    """
    table = Table(title="Requests to the exported model; milliseconds")
    _add_columns(table, "signature", "candidates", "p50", "p99", "rows / s")
    for entry in results:
        table.add_row(
            entry["signature"],
            f"{entry['candidates']:,}",
            f"{entry['p50_ms']:.3g}",
            f"{entry['p99_ms']:.3g}",
            f"{entry['rows_per_s']:,.0f}",
        )
    _console().print(table)


def show_parity(results):
    """Prints how far our logits are from the peers', and which peers were left out.

    Args:
        results: The content of its JSON.
    """
    table = Table(title=f"Logits with the same weights; at most {results['tolerance']:g} apart")
    for name in ("model", "peer", "theirs", "difference", "spread", "met", "what differs"):
        table.add_column(name, justify="right" if name in ("difference", "spread") else "left")
    for row in results["rows"]:
        failed = "error" in row
        table.add_row(
            row["model"],
            row["peer"],
            row["theirs"],
            "error" if failed else f"{row['difference']:.1e}",
            "" if failed else f"{row['spread']:.2f}",
            "yes" if row["met"] else "no",
            row["error"] if failed else row["differs"],
        )
    console = _console()
    console.print(table)
    for name, reason in results["skipped"].items():
        console.print(f"Without {name}: {reason}")


def show_growth(results):
    """Prints how cost grows along each axis, and the fitted laws.

    Args:
        results: The content of its JSON.
    """
    console = _console()
    for name, axis in results["axes"].items():
        console.print(_growth_table(name, axis))
    console.print("~ extrapolated by the law constant + scale * x ** exponent of the others.")


def _growth_table(name, axis):
    table = Table(title=f"{name}: milliseconds a step, and MB of memory")
    all_series = axis["series"].values()
    _add_columns(table, axis["label"], *(f"{model} {u}" for model in axis["series"] for u in UNITS))
    for points in zip(*(series["points"] for series in all_series), strict=True):
        cells = (_cost(point, cost) for point in points for cost in UNITS.values())
        table.add_row(f"{points[0]['x']:,}", *cells)
    table.add_section()
    fits = [series["fits"][cost] for series in all_series for cost in UNITS.values()]
    constants = [
        "" if series["fits"][cost] is None else _shown(series["fits"][cost]["constant"], cost)
        for series in all_series
        for cost in UNITS.values()
    ]
    table.add_row("constant", *constants)
    table.add_row("exponent", *("" if fit is None else f"{fit['exponent']:.2f}" for fit in fits))
    table.add_row("error", *("" if fit is None else f"{fit['error']:.1%}" for fit in fits))
    return table


def _cost(point, cost):
    if point.get(cost) is None:
        return "error" if "error" in point else "left out"
    value = _shown(point[cost], cost)
    return f"~ {value}" if "extrapolated" in point else value


def _shown(value, cost):
    return f"{value:,.2f}" if cost == "milliseconds" else f"{value / 2**20:,.0f}"


def _frequency_table(frequency, functions):
    table = Table(title="Share of each function in the kept units")
    _add_columns(table, "order", *functions)
    for order, shares in frequency.items():
        table.add_row(str(order), *(f"{shares[k]:.1%}" for k in functions))
    return table


def _interaction_table(content, functions):
    table = Table(title=f"statistics_AUC on {content['split']}, and |alpha| of what was kept")
    _add_columns(table, "interaction", "statistics_AUC", *functions)
    for row in content["interactions"][:SHOWN]:
        alpha = (f"{row['alpha'][k]:.4f}" if k in row["alpha"] else "" for k in functions)
        table.add_row(" x ".join(row["interaction"]), f"{row['statistics_auc']:.5f}", *alpha)
    if (left := len(content["interactions"]) - SHOWN) > 0:
        table.add_row(f"and {left} more")
    return table


def _number_table(numbers):
    table = Table(title="statistics_AUC by number of kept functions")
    _add_columns(table, "functions", "interactions", "mean", "median", "min", "max")
    for number, row in numbers.items():
        values = (f"{row[name]:.5f}" for name in ("mean", "median", "min", "max"))
        table.add_row(str(number), str(row["interactions"]), *values)
    return table


def _dimension_table(rows):
    table = Table(title="Kept dimensions by vocabulary size, and AUC lost with the field permuted")
    orders = list(rows[0]["dimensions"])
    of_orders = (f"order {order}" for order in orders)
    _add_columns(table, "field", "vocabulary", "dimension", *of_orders, "AUC lost")
    for row in rows:
        of_orders = (sum(row["dimensions"][order].values()) for order in orders)
        numbers = (row["vocabulary_size"], row["dimension"], *of_orders)
        lost = f"{row['importance']['auc']:.5f}"
        table.add_row(row["field"], *(f"{number:,}" for number in numbers), lost)
    return table


def _add_columns(table, first, *others):
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")


def _console():
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
