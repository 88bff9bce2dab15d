"""The documents that are made from the program are up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_cli_md_is_what_the_commands_say() -> None:
    spec = importlib.util.spec_from_file_location("docs_cli", DOCS / "cli.py")
    assert spec is not None
    assert spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert page.PATH.read_text(encoding="utf-8") == page.render(), "run: python docs/cli.py"
