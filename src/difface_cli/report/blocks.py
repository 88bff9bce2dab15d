"""Each block of a page as an element."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from difface_cli.report.markup import element
from difface_cli.report.pictures import data_uri
from difface_cli.report.records import (
    Block,
    Box,
    Cell,
    Choice,
    Comparison,
    Facts,
    Figure,
    Grid,
    Link,
    Picture,
    Plot,
    Table,
)

Uris = Mapping[Picture, str]

SMALL, LARGE = 640, 3
"""Pictures narrower than 640 are shown enlarged, up to three times."""


def draw(block: Block, uris: Uris) -> Element:
    """The block, with the addresses of its pictures from `uris`."""
    match block:
        case Comparison():
            return comparison(block, uris)
        case Figure():
            return figure(block, uris)
        case Plot():
            return plot(block)
        case Grid():
            return grid(block, uris)
        case Table():
            return table(block)
        case Facts():
            return facts(block)


def image(picture: Picture, uris: Uris, **attributes: str | bool) -> Element:
    """A picture that keeps its place free until it is decoded."""
    size = {"width": str(picture.width), "height": str(picture.height)}
    return element(
        "img", src=uris[picture], alt=picture.alt, decoding="async", **size, **attributes
    )


def caption(text: str) -> Element | None:
    """Of a figure; none for no text."""
    return element("figcaption", text) if text else None


def figure(block: Figure, uris: Uris) -> Element:
    """A picture, as a comparison shows one, with its frames."""
    inside = (image(block.picture, uris), boxes(block.boxes, block.picture))
    view = element("div", *inside, class_="view numbered", style=shape(block.picture))
    return element("figure", view, caption(block.caption), class_="still")


def comparison(block: Comparison, uris: Uris) -> Element:
    """A slider: `script.js` moves the edge of what lies on top, the picture before."""
    largest = max((block.before, *(c.picture for c in block.choices)), key=lambda p: p.width)
    afters = [
        image(choice.picture, uris, class_="after", hidden=number > 0)
        for number, choice in enumerate(block.choices)
    ]
    view = element(
        "div",
        *afters,
        element("span", block.choices[0].label, class_="label right", aria_hidden="true"),
        element(
            "div",
            image(block.before, uris),
            element("span", "Before", class_="label left", aria_hidden="true"),
            class_="before",
        ),
        boxes(block.boxes, largest),
        element(
            "input", type="range", min="0", max="100", value="50",
            aria_label=f"{block.title}: how much of it is shown as before",
        ),
        element("span", class_="handle", aria_hidden="true"),
        class_="view",
        style=shape(largest),
    )  # fmt: skip
    return element(
        "figure",
        element("h3", block.title),
        view,
        controls(block),
        caption(block.note),
        class_="compare",
        id=block.anchor or False,
    )


def shape(picture: Picture) -> str:
    """The form of a view, and its width where there is room, as style.css takes them."""
    width = max(picture.width, min(SMALL, picture.width * LARGE))
    return f"--ratio: {picture.width} / {picture.height}; --width: {width}px"


def controls(block: Comparison) -> Element | None:
    """What there is to choose: the picture on the right, and whether faces are numbered."""
    inside: list[Element] = []
    if len(block.choices) > 1:
        inside.append(
            element(
                "fieldset",
                element("legend", "After:"),
                *(radio(block, number, c) for number, c in enumerate(block.choices)),
            )
        )
    if block.boxes:
        box = element("input", type="checkbox", class_="numbers", autocomplete="off")
        inside.append(element("label", box, "Number the faces"))
    return element("div", *inside, class_="controls") if inside else None


def radio(block: Comparison, number: int, choice: Choice) -> Element:
    """One of the pictures for the right side."""
    name = f"after {block.anchor or block.title}"
    button = element(
        "input", type="radio", name=name, value=str(number), checked=number == 0, autocomplete="off"
    )
    return element("label", button, element("span", choice.label))


def boxes(frames: tuple[Box, ...], picture: Picture) -> Element | None:
    """Frames and their labels over a picture, hidden at first."""
    if not frames:
        return None
    width, height = picture.width, picture.height
    shapes: list[Element] = []
    for frame in frames:
        x0, y0, x1, y1 = frame.edges
        left, top = x0 * width, y0 * height
        wide, high = (x1 - x0) * width, (y1 - y0) * height
        size = max(min(width, height) / 32, min(high / 4, min(width, height) / 12))
        rect = element(
            "rect", x=f"{left:.1f}", y=f"{top:.1f}", width=f"{wide:.1f}", height=f"{high:.1f}"
        )
        text = element(
            "text", frame.label, x=f"{left:.1f}", y=f"{max(top - size / 4, size):.1f}",
            font_size=f"{size:.1f}",
        )  # fmt: skip
        shapes.append(element("g", rect, text, class_="muted" if frame.muted else False))
    return element(
        "svg", *shapes, viewBox=f"0 0 {width} {height}", class_="boxes", aria_hidden="true"
    )


def plot(block: Plot) -> Element:
    """A drawing as a picture, in which no script runs."""
    kind = "image/png" if block.data.startswith(b"\x89PNG") else "image/svg+xml"
    drawing = element("img", src=data_uri(kind, block.data), alt=block.alt)
    return element("figure", scrolled(drawing, block.alt), caption(block.caption), class_="plot")


def scrolled(wide: Element, name: str) -> Element:
    """What is wider than a phone, to be moved sideways, by the keyboard too."""
    return element("div", wide, class_="scroll", tabindex="0", role="region", aria_label=name)


def grid(block: Grid, uris: Uris) -> Element:
    """A table of buttons, each a picture that `script.js` enlarges."""
    front = None
    if block.front:
        front = element("div", *(cell(c, uris, named=True) for c in block.front), class_="front")
    head = element("tr", element("td"), *(element("th", c, scope="col") for c in block.columns))
    rows = [
        element(
            "tr",
            element("th", row.label, scope="row"),
            *(element("td", cell(c, uris) if c else None) for c in row.cells),
        )
        for row in block.rows
    ]
    cells = element("table", element("thead", head), element("tbody", *rows), class_="grid")
    title = element("h3", block.title)
    return element("div", title, front, scrolled(cells, block.title), class_="sweep")


def cell(content: Cell, uris: Uris, *, named: bool = False) -> Element:
    """One picture of a grid, as a button; its label is shown where no heading tells it."""
    notes = [element("span", note) for note in content.notes]
    label = element("span", content.label, class_="name") if named else None
    return element(
        "button", image(content.picture, uris), label, element("span", *notes, class_="notes"),
        type="button", class_="cell", data_label=content.label, data_hint=content.hint,
        aria_label=f"Enlarge: {content.label}",
    )  # fmt: skip


def table(block: Table) -> Element:
    """Rows under headings, to be scrolled where the page is narrow."""
    head = element("tr", *(element("th", column, scope="col") for column in block.columns))
    rows = [
        element(
            "tr",
            element("th", entry(first), scope="row"),
            *(element("td", entry(other)) for other in others),
        )
        for first, *others in block.rows
    ]
    content = element(
        "table",
        element("caption", block.caption),
        element("thead", head),
        element("tbody", *rows),
    )
    return scrolled(content, block.caption)


def entry(value: str | Link) -> Element | str:
    """What stands in a table's place."""
    if isinstance(value, Link):
        return element("a", value.text, href=f"#{value.anchor}")
    return value


def facts(block: Facts) -> Element:
    """Names and values, one a row."""
    rows = [
        element("tr", element("th", name, scope="row"), element("td", element("bdi", value)))
        for name, value in block.values.items()
    ]
    title = element("caption", block.title)
    return element("table", title, element("tbody", *rows), class_="facts")
