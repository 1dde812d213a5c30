"""The table of docs/parity.md."""


def table(results):
    """The rows of the JSON as a Markdown table.

    Args:
        results: The content of the JSON.
    """
    lines = ["| ours | theirs | difference | spread | what differs |", "|---|---|---|---|---|"]
    for row in results["rows"]:
        figures = (row["error"], "") if "error" in row else _figures(row)
        cells = (row["model"], f"{row['peer']} {row['theirs']}", *figures, row["differs"])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _figures(row):
    return f"{row['difference']:.1e}", f"{row['spread']:.2f}"
