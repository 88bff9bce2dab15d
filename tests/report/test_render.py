"""Whatever stands in a record is read back from the page as just that text."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from difface_cli.report import Box, Cell, Choice, Facts, Figure, Link, Plot, Section, Table, render
from difface_cli.report.records import Block
from difface_cli.report.render import printable
from tests.report.pages import BLUE, comparison, facts, flat, grid, page


class Reader(HTMLParser):
    """Takes down what a parser sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.texts: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.texts |= {value for _, value in attrs if value}
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.add(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


SMALL = flat(BLUE, side=16)
PLACES = 23


def every_block(text: str) -> tuple[Block, ...]:
    """Each kind of block, with `text` in each of its places, followed by the place's number."""
    count = iter(range(PLACES))

    def new() -> str:
        return f"{text} {next(count)}."

    whole = comparison()
    box, picture = Box(new(), (0.1, 0.1, 0.2, 0.2)), replace(SMALL, alt=new())
    return (
        replace(
            whole, title=new(), choices=(Choice(new(), picture),), boxes=(box,), note=new(),
            anchor=new(),
        ),
        Figure(picture, new(), (replace(box, label=new()),)),
        Plot(b"<svg/>", new(), new()),
        replace(
            grid(), title=new(), columns=(new(),), front=(Cell(new(), SMALL, (new(),), new()),)
        ),
        Table(new(), (new(),), ((Link(new(), new()), new()),)),
        Facts(new(), {new(): new()}),
    )  # fmt: skip


ANYTHING = st.text(st.characters(exclude_categories=()), min_size=1)  # unpaired surrogates too


@settings(max_examples=30)
@given(ANYTHING)
@example("<b>")
@example("\"'onerror=\"'x=")
def test_text_stays_text(text: str) -> None:
    seen = read(render(page(*every_block(text), title=f"{text} title.")))
    assert seen.tags == read(render(page(*every_block("x"), title="x"))).tags
    shown = printable(text)
    assert isinstance(shown, str)
    assert shown.isprintable()
    shown.encode()
    for place in ["title", *range(PLACES)]:
        assert any(f"{shown} {place}." in found for found in seen.texts), place


def test_what_a_record_leaves_out_is_not_on_the_page() -> None:
    (choice, _) = comparison().choices
    plain = replace(comparison(), choices=(choice,), anchor="")
    seen = read(render(page(plain, Figure(SMALL))))
    assert seen.tags["figcaption"] == 1  # of the dialog
    assert not seen.tags.keys() & {"fieldset", "svg", "details"}
    assert "face-0" not in seen.texts


@pytest.mark.parametrize("folded", [False, True])
def test_a_section_is_folded_or_not(folded: bool) -> None:
    sections = (Section("Part", (facts(),), note="A note.", anchor="part", folded=folded),)
    seen = read(render(replace(page(), sections=sections)))
    assert seen.tags["details"] == seen.tags["summary"] == folded
    assert {"Part", "A note.", "part"} <= seen.texts
