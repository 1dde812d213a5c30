"""Tables of Markdown."""


def table(header, rows, text=(0,)):
    """A table: text to the left, numbers to the right.

    Args:
        header: Titles of the columns.
        rows: Sequences of as many strings, of any content.
        text: Numbers of the columns of text.

    Raises:
        ValueError: if a row has another number of cells.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"A row must have {len(header)} cells. Received: {row}")
    rule = ["---" if column in text else "---:" for column in range(len(header))]
    lines = (map(_escaped, cells) for cells in (header, rule, *rows))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _escaped(cell):
    return cell.replace("|", "\\|").replace("\n", " ")
