"""The table of docs/parity.md."""

from experiments import markdown


def table(results):
    """The rows of the JSON as a Markdown table.

    Args:
        results: The content of the JSON.
    """
    header = ["ours", "theirs", "difference", "spread", "what differs"]
    rows = [
        [row["model"], f"{row['peer']} {row['theirs']}", *_figures(row), row["differs"]]
        for row in results["rows"]
    ]
    return markdown.table(header, rows, text=(0, 1, 4)) + "\n"


def _figures(row):
    if "error" in row:
        return row["error"], ""
    return f"{row['difference']:.1e}", f"{row['spread']:.2f}"
