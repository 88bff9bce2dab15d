"""From the records of a page to the text of an HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from importlib import resources
from string import Template
from xml.etree.ElementTree import Element

from difface_cli.report.blocks import draw
from difface_cli.report.markup import element, html, printable
from difface_cli.report.pictures import encode
from difface_cli.report.records import Page, Picture, Section

LIMIT = 5_000_000
"""Bytes of a file, so that it can be sent by mail."""


def render(page: Page, limit: int = LIMIT) -> str:
    """The page as one HTML file of at most `limit` bytes of UTF-8.

    Pictures lose quality and then size until all fits; what is not a picture stays whole.
    """
    pictures = list(page.pictures())
    rest = len(_text(page, dict.fromkeys(pictures, "")).encode())
    return _text(page, encode(pictures, limit - rest))


def _text(page: Page, uris: Mapping[Picture, str]) -> str:
    style, script = _file("style.css"), _file("script.js")
    return Template(_file("page.html")).substitute(
        title=escape(printable(page.title)),
        policy=_policy(script),
        style=style,
        script=script,
        header=html(_header(page)),
        sections="\n".join(html(_section(section, uris)) for section in page.sections),
        footer=html(element("footer", element("p", page.footer))),
    )


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Nothing is fetched, and no script runs but ours, even if one came in by a file's name."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _header(page: Page) -> Element:
    return element(
        "header",
        element(
            "div",
            element("h1", element("bdi", page.title)),
            element("button", "Dark", class_="theme", type="button", hidden=True),
            class_="top",
        ),
        element("p", page.summary, class_="summary"),
        element("p", page.notice, class_="notice", role="note"),
    )


def _section(section: Section, uris: Mapping[Picture, str]) -> Element:
    blocks = [draw(block, uris) for block in section.blocks]
    content = element("div", *blocks, class_="cards" if section.cards else "blocks")
    note = element("p", section.note, class_="note") if section.note else None
    title = element("h2", section.title)
    inside: tuple[Element | None, ...] = (title, note, content)
    if section.folded:
        inside = (element("details", element("summary", title), note, content),)
    return element("section", *inside, id=section.anchor or False)
