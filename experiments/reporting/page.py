"""The parts of a page. All text goes through ElementTree, which escapes it."""

import pathlib
import xml.etree.ElementTree as ET

from experiments.reporting.drawing import to_svg

SCALES = 420  # pixels; a wider figure scrolls on a narrow page, where it would be too small
CSS = pathlib.Path(__file__).with_name("style.css")


def element(tag, /, *children, **attributes):
    """An HTML element of strings and elements; `None` is left out.

    Names of attributes have `_` for `-`, and at their end where Python reserves them: `class_`.
    """
    names = {key: key.rstrip("_").replace("_", "-") for key in attributes}
    node = ET.Element(tag, {names[key]: str(value) for key, value in attributes.items()})
    last = None
    for child in children:
        if child is None:
            continue
        if isinstance(child, ET.Element):
            node.append(child)
            last = child
        elif last is None:
            node.text = (node.text or "") + str(child)
        else:
            last.tail = (last.tail or "") + str(child)
    return node


def _scrolling(title, *children):
    """What scrolls by itself where the page is narrow, by keys too, and says what it is then."""
    role = {"role": "region", "aria_label": title, "tabindex": "0"}
    return element("div", *children, class_="scroll", **role)


def table(title, columns, rows, emphasis=(), units=()):
    """A table that scrolls by itself where the page is narrow.

    Args:
        title: What it is, for those who do not see where it is.
        columns: Titles. A column is aligned to the right if all its cells are numbers, or text made
            of one.
        rows: Sequences of as many strings or elements.
        emphasis: Numbers of the rows that are set apart.
        units: Unit below each title.

    Raises:
        ValueError: if a row has another number of cells.
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"A row must have {len(columns)} cells. Received: {row}")
    kinds = ["number" if _numeric(row[i] for row in rows) else "text" for i in range(len(columns))]
    units = [element("small", unit) if unit else None for unit in units] or [None] * len(columns)
    head = [
        element("th", title, unit, class_=kind, scope="col")
        for title, unit, kind in zip(columns, units, kinds, strict=True)
    ]
    body = [
        element(
            "tr",
            *(element("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)),
            class_="emphasis" if i in emphasis else "plain",
        )
        for i, row in enumerate(rows)
    ]
    return _scrolling(
        title, element("table", element("thead", element("tr", *head)), element("tbody", *body))
    )


def _numeric(cells):
    texts = [c if isinstance(c, str) else "".join(c.itertext()) for c in cells if c is not None]
    return all(not text or text[0] in "0123456789.+-−–" for text in texts)


def bar(share, color=None):
    """A bar of that share of its cell."""
    style = f"width:{100 * share:.1f}%" + (f";background:{color}" if color else "")
    return element("div", element("div", "", style=style), class_="bar")


def figure(title, caption, plot, name):
    """A figure of matplotlib with its title, and a caption that says how to read it."""
    svg = to_svg(plot, name)
    svg.set("aria-label", title)
    if float(svg.get("width")) > SCALES:
        svg.set("style", f"min-width:{svg.get('width')}px")
    caption = element("figcaption", element("strong", title), " ", caption)
    return element("figure", caption, _scrolling(title, svg))


def gallery(*parts, width=340):
    """Figures of that width in CSS pixels, as many in a row as there is room for."""
    kind = "gallery wide" if width > SCALES else "gallery"
    return element("div", *parts, class_=kind, style=f"--width:{width}px")


def beside(*parts, width):
    """A figure of that width and its table, side by side where there is room."""
    return element("div", *parts, class_="beside", style=f"--width:{width}px")


def swatch(color):
    """A spot of a color, in front of what it stands for."""
    return element("span", "", class_="swatch", style=f"background:{color}")


def tile(label, value, note=""):
    """A figure of the headline."""
    return element(
        "div",
        element("dt", label),
        element("dd", value),
        element("dd", note, class_="note"),
        class_="tile",
    )


def section(name, title, introduction, *parts):
    """A section under a heading, which `document` lists at the top."""
    return element(
        "section",
        element("h2", title),
        element("p", introduction, class_="introduction"),
        *parts,
        id=name,
    )


def folded(summary, *parts):
    """What is shown only when it is asked for, and in print not at all."""
    return element("details", element("summary", summary), *parts)


def document(title, subtitle, headline, sections):
    """The text of a whole page, which needs no other file."""
    links = [
        element("a", node.find("h2").text, href=f"#{node.get('id')}")
        for node in sections
        if node.tag == "section"
    ]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", CSS.read_text(encoding="utf-8")),
    )
    header = element(
        "header",
        element("h1", title),
        element("p", subtitle, class_="subtitle"),
        element("dl", *headline, class_="tiles") if headline else None,
        element("nav", *links, aria_label="Sections"),
    )
    footer = element("footer", "Written by aim_keras. How to read each figure: docs/report.md.")
    body = element("body", header, element("main", *sections), footer)
    html = ET.tostring(element("html", head, body, lang="en"), encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{html}\n"
