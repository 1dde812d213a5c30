"""How kept interactions are shown, those of one run and those of several alike."""

import math

from experiments.reporting import figures
from experiments.reporting.drawing import panel
from experiments.reporting.page import figure, folded, gallery, table

SHOWN = 40  # rows of a ranking that are not folded


def heat_maps(fields, alphas, highest=None):
    """A gallery of triangles of all pairs of fields.

    Args:
        fields: Names of the fields.
        alphas: `{title: {pair: |alpha|}}` of the kept pairs, `None` where no search gave one.
        highest: The alpha at the end of all scales; `None` gives each a scale of its own.
    """
    width, possible = figures.heat_map_width(len(fields)), math.comb(len(fields), 2)
    panels = []
    for number, (title, values) in enumerate(alphas.items()):
        end = scale_end(values.values()) if highest is None else highest
        plot = panel(figures.heat_map, fields, values, end, width=width, height=width)
        title = f"{title}: {len(values):,} of {possible:,} pairs"
        panels.append(figure(title, "", plot, f"pairs-{number}"))
    return gallery(*panels, width=width)


def scale_end(alphas):
    """The largest of some alphas, which may be `None`."""
    return max((alpha for alpha in alphas if alpha is not None), default=1.0)


def ranking(title, columns, rows, units=()):
    """The parts of a ranking: a table of its first rows, and the others folded."""
    yield table(title, columns, rows[:SHOWN], units=units)
    if rows[SHOWN:]:
        more = f"{len(rows) - SHOWN:,} more"
        yield folded(more, table(f"{title}: {more}", columns, rows[SHOWN:], units=units))


def alpha_shown(alpha):
    """The |alpha| of what was kept, as it is shown."""
    return "kept" if alpha is None else f"{alpha:.3f}"
