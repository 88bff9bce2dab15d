"""From the records of a page to the text of an HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from difface_cli.report.pictures import data_uri, encode
from difface_cli.report.records import Page, Picture

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
    return _template().render(page=page, uris=uris)


@cache
def _template() -> Template:
    """`page.html.j2`, knowing all that is the same in each page."""
    loader = PackageLoader(__package__)
    environment = Environment(
        loader=loader, autoescape=True, finalize=printable, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.filters["data_uri"] = data_uri
    style, script = (loader.get_source(environment, name)[0] for name in ("style.css", "script.js"))
    known = {"style": style, "script": script, "policy": _policy(script)}
    return environment.get_template("page.html.j2", globals=known)


def _policy(script: str) -> str:
    """Nothing is fetched, and no script runs but ours, even if one came in by a file's name."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def printable(value: object) -> object:
    """Text with control characters and bytes that were no UTF-8 shown as escapes."""
    if type(value) is not str or value.isprintable():  # text of our own has a type of its own
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
