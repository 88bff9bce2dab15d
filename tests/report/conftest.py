"""A browser for the report's pages: Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

Show = Callable[..., "Page"]


def executable() -> str:
    """The browser: DIFFACE_BROWSER, which must be there then, or one on the PATH."""
    if named := os.environ.get("DIFFACE_BROWSER"):
        assert Path(named).exists(), f"DIFFACE_BROWSER is {named}, which is not there"
        return named
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium here to show the report in (see DIFFACE_BROWSER)")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser asked the network for, and errors it reported, in a test's pages."""
    return []


@pytest.fixture
def show(browser: Browser, tmp_path: Path, complaints: list[str]) -> Iterator[Show]:
    """Open HTML text as a file; keyword arguments are Playwright's for a context."""
    contexts = []

    def show(html: str, **settings: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 700, "height": 640}} | settings)
        contexts.append(context)
        file = tmp_path / "report.html"
        file.write_text(html, encoding="utf-8")
        page = context.new_page()
        page.on("request", lambda r: _note(r.url, file.as_uri(), complaints))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()


def _note(address: str, file: str, complaints: list[str]) -> None:
    if not address.startswith("data:") and address.split("#")[0] != file:
        complaints.append(address)
