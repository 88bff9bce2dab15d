"""The documents agree with the program: its page is complete, and what they tell to type exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from difface_cli.cli.app import build

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
PAGES = [TOP / "README.md", *sorted(DOCS.glob("*.md"))]
PLACEHOLDER = re.compile(r"\[?[A-Z]+\]?(\.\.\.)?")  # as in `difface restore PHOTOS...`
OPERATORS = {"|", "<", ">", ">>", "&&", ";", "&"}


@cache
def group() -> Any:
    app, _ = build()
    return typer.main.get_command(app)


def plain(text: str) -> str:
    """Text without what a page may change of it: line breaks, and the escape before a bar."""
    return " ".join(text.replace("\\|", "|").split())


@cache
def page() -> ModuleType:
    """What makes docs/cli.md."""
    spec = importlib.util.spec_from_file_location("docs_cli", DOCS / "cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sections() -> dict[str, str]:
    """The parts of docs/cli.md, by the name of their command."""
    parts = re.split(r"^## (.+)$", page().PATH.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_cli_md_was_made_of_the_commands_as_they_are() -> None:
    assert page().PATH.read_text(encoding="utf-8") == page().render(), "run: python docs/cli.py"


def test_cli_md_has_every_command_and_no_other() -> None:
    assert list(sections()) == sorted(group().commands)


@pytest.mark.parametrize("name", sorted(group().commands))
def test_cli_md_has_every_option_with_its_help(name: str) -> None:
    section, command = sections()[name], group().commands[name]
    assert plain(command.help) in plain(section)
    told = {}
    for row in re.findall(r"^\| (`-.*)$", section, flags=re.MULTILINE):
        names, text, _ = row.split(" | ")
        told.update(dict.fromkeys(re.findall(r"`(-[^`]+)`", names), plain(text)))
    known = {
        said: plain(option.help)
        for option in command.params
        if option.param_type_name == "option" and option.name != "help"
        for said in (*option.opts, *option.secondary_opts)
    }
    assert told.keys() == known.keys()
    for said, text in known.items():
        assert text
        assert told[said].startswith(text)


def typed(text: str) -> Iterator[list[str]]:
    """The words behind `difface` of every command line in a page, but for placeholders."""
    text = text.replace("\\\n", " ")
    fenced = "".join(re.findall(r"^```.*?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [*fenced.splitlines(), *re.findall(r"^    .*$", prose, flags=re.MULTILINE)]
    for said in [*lines, *re.findall(r"`([^`]+)`", prose)]:
        if re.match(r"(\s|\$ |\w+=\S+ )*difface\s", said):
            words = shlex.split(said, comments=True)
            rest = list(takewhile(lambda word: word not in OPERATORS, words))
            yield [
                word
                for before, word in pairwise(rest[words.index("difface") :])
                if before.startswith("-") or not PLACEHOLDER.fullmatch(word)
            ]


def parsed(words: list[str]) -> None:
    """Raise unless the command, its options and their values exist."""
    command = group()
    if words and not words[0].startswith("-"):
        command, words = group().commands[words[0]], words[1:]
    try:
        command.make_context("difface", words)
    except typer.Exit:
        pass  # as --help does
    except Exception as error:
        if type(error).__name__ != "MissingParameter":  # pages name a command without its photos
            raise


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_what_the_pages_tell_to_type_exists(path: Path) -> None:
    lines = list(typed(path.read_text(encoding="utf-8")))
    for words in lines:
        try:
            parsed(words)
        except Exception as error:
            pytest.fail(f"difface {' '.join(words)}: {error!r}")
    if path.name in ("README.md", "cli.md"):
        assert len(lines) > 10


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_options_named_in_the_text_exist(path: Path) -> None:
    known = {
        said
        for command in (group(), *group().commands.values())
        for parameter in command.params
        for said in (*parameter.opts, *parameter.secondary_opts)
    }
    named = set(re.findall(r"`(--[\w-]+)", path.read_text(encoding="utf-8"))) - {"--help"}
    several = {said for said in named if said.endswith("-")}  # as in `--mask-*`
    assert named - several <= known
    assert all(any(said.startswith(begin) for said in known) for begin in several)


@pytest.mark.parametrize(
    "said",
    [
        "`difface restored a.jpg`",
        "`difface restore a.jpg --upscales 2`",
        "```\n$ difface restore a.jpg --upscale 2.5 | less\n```",
        "    X=1 difface restore a.jpg \\\n       --device gpu",
        "`difface\nrestore a.jpg --output`",
    ],
)
def test_what_does_not_exist_is_found(said: str) -> None:
    (words,) = typed(said)
    with pytest.raises(Exception, match=r"restored|--upscales|integer|gpu|--output"):
        parsed(words)
