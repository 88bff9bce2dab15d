"""Progress goes to a terminal's stderr, shows names literally, and leaves stdout alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from difface_cli.base.progress import NoProgress
from difface_cli.cli import console


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal of 100 columns, without colours, until the test ends."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    for name, value in {"TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    return stream


def drawn(terminal: Terminal, progress: Any) -> str:
    """What the terminal is sent when the bars are drawn afresh."""
    terminal.seek(0)
    terminal.truncate()
    progress._bars.refresh()  # now, and not when the thread that does it ten times a second runs
    return terminal.getvalue()


def test_no_terminal_or_quiet_is_silence(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with console.photo_progress(2, quiet=quiet) as progress:
            assert isinstance(progress, NoProgress)
            progress.photo("a.jpg", 0, 2)
            progress.stage("finding faces")
            assert list(progress.steps(range(5), 5, "steps")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")


def test_quiet_holds_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with console.photo_progress(1, quiet=True) as progress:
        progress.photo("a.jpg", 0, 1)
    assert terminal.getvalue() == ""


def test_photo_stage_and_steps_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = use_terminal(monkeypatch)
    with console.photo_progress(7) as progress:
        progress.photo("[old] {x}.jpg", 2, 7)
        progress.stage("restoring faces")
        for _ in progress.steps(["left", "right"], 2, "faces"):
            steps = iter(progress.steps(range(40), 40, "denoising"))
            assert next(steps) == 0
            shown = drawn(terminal, progress)
            assert list(steps) == list(range(1, 40))
    for words in ("[old] {x}.jpg", "2/7", "restoring faces", "faces", "1/2", "denoising", "0/40"):
        assert words in shown
    assert capsys.readouterr().out == ""


def test_the_bar_of_a_loop_goes_when_the_loop_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with console.photo_progress(2) as progress:
        progress.photo("first.jpg", 0, 2)
        doomed = progress.steps([1, 0], 2, "doomed")
        with pytest.raises(ZeroDivisionError):
            [1 / item for item in doomed if drawn(terminal, progress)]
        assert "doomed" in drawn(terminal, progress)
        progress.photo("second.jpg", 1, 2)
        now = drawn(terminal, progress)
        assert "second.jpg" in now
        assert "doomed" not in now
        assert list(doomed) == []


def test_a_piped_stdout_is_not_led_to_the_bars(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = use_terminal(monkeypatch)
    with console.photo_progress(1):
        print('{"photo": 1}')
    assert capsys.readouterr().out == '{"photo": 1}\n'
    assert 'photo"' not in terminal.getvalue()


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    console.say("error", "plain")
    assert "\x1b[3" not in terminal.getvalue()
    monkeypatch.delenv("NO_COLOR")
    console.say("error", "colourful")
    assert "\x1b[1;31m" in terminal.getvalue()


def test_literal_keeps_what_can_be_shown_and_only_that() -> None:
    assert console.literal("Größe λ [b] 写真.jpg") == "Größe λ [b] 写真.jpg"
    assert console.literal("a\rb\x07\u202e") == "a\\rb\\x07\\u202e"


def test_consoles_are_on_their_streams(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(console.out(), Console)
    console.out().print("result")
    console.err().print("x" * 200)
    assert capsys.readouterr() == ("result\n", "x" * 200 + "\n")
