"""How figures look, and how one becomes a part of a page."""

import io
import re
import xml.etree.ElementTree as ET

import matplotlib
from matplotlib.figure import Figure

INK, MUTED, FAINT = "#1f2933", "#52606d", "#e4e7eb"
# Okabe and Ito: told apart with any colour vision.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
MARKERS = "osD^vP*"
AMOUNT = "viridis_r"  # perceptually uniform: the more, the darker
PIXELS = 96  # an inch, in CSS
WIDE = 372  # pixels of a figure of which two make a row
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "aim_keras",
    "font.size": 8,
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "figure.constrained_layout.use": True,
}


def panel(draw, *args, width=340, height=240):
    """A figure of one pair of axes, on which `draw(axes, *args)` draws.

    Args:
        draw: A function of `figures`.
        width, height: In CSS pixels; text is made for this size.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width / PIXELS, height / PIXELS))
        draw(figure.subplots(), *args)
    return figure


def color(number):
    """The color of a series."""
    return COLORS[number % len(COLORS)]


def marker(number):
    """The marker of a series; with its color it is told apart from all series before 49."""
    return MARKERS[(number + number // len(COLORS)) % len(MARKERS)]


def shortened(name, length=16):
    """A name of at most that many characters, its middle left out."""
    if len(name) <= length:
        return name
    return f"{name[: length // 2]}…{name[len(name) - (length - length // 2 - 1) :]}"


def to_svg(figure, name):
    """The `<svg>` element of a figure, text as text, its ids distinct from those of other names."""
    file = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(file.getvalue())
    referred = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", file.getvalue()))
    for parent in root.iter():
        for child in [c for c in parent if c.tag.endswith("metadata")]:
            parent.remove(child)
        parent.tag = parent.tag.rpartition("}")[2]
        parent.attrib = {
            key.rpartition("}")[2]: _attribute(key, value, name, referred)
            for key, value in parent.attrib.items()
            if key != "id" or value in referred
        }
    width, height = (inches * PIXELS for inches in figure.get_size_inches())
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "width": f"{width:g}",
        "height": f"{height:g}",
        "role": "img",
    }
    return root


def _attribute(key, value, name, referred):
    if key == "id":
        return f"{name}-{value}"
    if key == "d":
        return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}", value).replace(
            "\n", ""
        )
    return re.sub(r"#([\w-]+)", lambda m: f"#{name}-{m[1]}" if m[1] in referred else m[0], value)
