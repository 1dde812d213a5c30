"""The tables of what was measured: a benchmark, a sweep, parity with peers, serving."""

from rich.table import Table

from experiments.summary import add_columns, new_console

UNITS = {"ms": "milliseconds", "MB": "bytes"}  # of a sweep's costs


def show_benchmark(results):
    """Prints what a benchmark measured, and which peers were left out.

    Args:
        results: The content of its JSON.
    """
    table = Table(title="Medians; times in milliseconds a step")
    columns = ("measurement", "ratio", "target", "met", "shape", "ours", "limit", "ours / limit")
    add_columns(table, *columns, "others")
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
    console = new_console()
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
    add_columns(table, "signature", "candidates", "p50", "p99", "rows / s")
    for entry in results:
        table.add_row(
            entry["signature"],
            f"{entry['candidates']:,}",
            f"{entry['p50_ms']:.3g}",
            f"{entry['p99_ms']:.3g}",
            f"{entry['rows_per_s']:,.0f}",
        )
    new_console().print(table)


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
    console = new_console()
    console.print(table)
    for name, reason in results["skipped"].items():
        console.print(f"Without {name}: {reason}")


def show_growth(results):
    """Prints how cost grows along each axis, and the fitted laws.

    Args:
        results: The content of its JSON.
    """
    console = new_console()
    for name, axis in results["axes"].items():
        console.print(_growth_table(name, axis))
    console.print("~ extrapolated by the law constant + scale * x ** exponent of the others.")


def _growth_table(name, axis):
    table = Table(title=f"{name}: milliseconds a step, and MB of memory")
    all_series = axis["series"].values()
    add_columns(table, axis["label"], *(f"{model} {u}" for model in axis["series"] for u in UNITS))
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
