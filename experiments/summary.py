"""The table at the end of a run."""

import sys

from rich.console import Console
from rich.table import Table


def show(results):
    """Prints the stages of a run, its test metrics and, on planted data, what was recovered.

    Args:
        results: The content of `metrics.json`.
    """
    table = Table(title="AUC and log loss on valid; the last line on test")
    table.add_column("stage")
    for column in ("AUC", "log loss", "interactions", "units", "parameters", "seconds"):
        table.add_column(column, justify="right")
    for record in results["stages"]:
        table.add_row(
            record["stage"],
            *_metrics(record),
            _by_order(record["interactions"]),
            _by_order(record["units"]),
            f"{record['parameters']:,}",
            f"{record['seconds']:.1f}",
        )
    table.add_section()
    table.add_row("test", *_metrics(results["test"]))
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(table)
    for order, scores in results.get("planted", {}).items():
        console.print(
            f"Planted interactions of order {order}: "
            f"recall {scores['recall']:.2f}, precision {scores['precision']:.2f}, "
            f"with their function {scores['functions']:.2f}"
        )


def _metrics(record):
    return f"{record['auc']:.5f}", f"{record['log_loss']:.5f}"


def _by_order(counts):
    return " + ".join(str(count) for count in counts.values()) or "0"
