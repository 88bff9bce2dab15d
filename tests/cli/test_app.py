"""The shell round every command: errors, exit codes, a light start."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from difface_cli import __version__
from difface_cli.base.errors import DeviceError, DifFaceError, ImageError
from difface_cli.cli import app as shell
from tests.cli.shell import difface

HEAVY = {"torch", "torchvision", "cv2", "facexlib", "numpy", "PIL", "scipy", "huggingface_hub"}


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


def run_failing(error: BaseException, *options: str) -> Result:
    """`difface fail`, a command that raises `error`."""
    app, _ = shell.build()

    @app.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(app, [*options, "fail"])


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"], ["--version"]])
def test_a_light_command_imports_no_heavy_module(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from difface_cli.cli.app import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    modules = set(run.stderr.split())
    assert "difface_cli.cli.app" in modules
    assert not HEAVY & modules
    assert arguments == ["plugins"] or "pydantic" not in modules  # Typer needs it for parameters


def test_help_says_what_it_does_and_what_the_result_is_not() -> None:
    for arguments in (["--help"], ["-h"], []):
        text = difface(*arguments).stdout
        assert "Restore the faces in old and damaged photos" in text
        assert "it is no evidence of identity" in text
        assert "plugins" in text


def test_version() -> None:
    assert difface("--version").stdout == f"difface {__version__}\n"


def test_an_error_is_printed_once_with_its_hint_and_exit_code() -> None:
    result = run_failing(ImageError("old.jpg is no picture.", "Give a JPEG."))
    assert result.stderr == "error: old.jpg is no picture.\nhint: Give a JPEG.\n"
    assert result.stdout == ""
    assert result.exit_code == DifFaceError.exit_code == 2


def test_files_that_the_system_refuses_are_no_fault_of_the_program() -> None:
    error = OSError(errno.ENAMETOOLONG, "File name too long", "long.png")
    result = run_failing(error)
    assert result.stderr.startswith("error: long.png: File name too long.\nhint: ")
    assert result.exit_code == 2


def test_an_error_without_hint_is_one_line() -> None:
    assert run_failing(ImageError("It is empty.")).stderr == "error: It is empty.\n"


@pytest.mark.parametrize(
    "name", ["a[1].jpg", "[red]x[/red].jpg", "[/].jpg", ":smile:.jpg", "x" * 300, "Größe λ.jpg"]
)
def test_names_are_printed_literally(name: str) -> None:
    assert run_failing(ImageError(f"{name} is missing.")).stderr == f"error: {name} is missing.\n"


def test_a_name_cannot_command_the_terminal() -> None:
    stderr = run_failing(ImageError("a\x1b[2J\nb\udcff is missing.")).stderr
    assert stderr == "error: a\\x1b[2J\\nb\\udcff is missing.\n"


def test_the_unexpected_is_one_sentence_and_the_way_to_the_traceback() -> None:
    result = run_failing(KeyError("[x]"))
    first, second = result.stderr.splitlines()
    assert first == "error: unexpected error, a fault of the program: KeyError: '[x]'"
    assert "--debug" in second
    assert "DIFFACE_DEBUG=1" in second
    assert result.exit_code == 70


def test_debug_shows_the_traceback_and_then_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, code in ((ValueError("boo"), 70), (DeviceError("No GPU."), 2)):
        result = run_failing(error, "--debug")
        assert result.exit_code == code
        assert result.stderr.startswith("Traceback (most recent call last)")
        assert result.stderr.count("error: ") == 1
    monkeypatch.setenv("DIFFACE_DEBUG", "1")
    assert "Traceback" in run_failing(ValueError("boo")).stderr
    monkeypatch.setenv("DIFFACE_DEBUG", "0")
    assert "Traceback" not in run_failing(ValueError("boo")).stderr


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (OutOfMemoryError("CUDA out of memory"), "not enough GPU memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (ImportError("libGL.so.1: cannot open shared object file"), "OpenCV cannot be loaded"),
    ],
)
def test_failures_of_the_machine_have_a_next_step(error: Exception, words: str) -> None:
    result = run_failing(error)
    assert words in result.stderr.splitlines()[0]
    assert result.stderr.splitlines()[1].startswith("hint: ")
    assert result.exit_code == 2


def test_usage_errors_stay_with_typer() -> None:
    for arguments in (["nothing-of-the-kind"], ["plugins", "--wrong"]):
        run = difface(*arguments)
        assert run.returncode == 2
        assert "Usage:" in run.stderr
        assert "Traceback" not in run.stderr


def test_a_chosen_exit_code_passes() -> None:
    result = run_failing(typer.Exit(3))
    assert (result.exit_code, result.output) == (3, "")


def test_an_interrupt_is_one_line_and_130() -> None:
    result = run_failing(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr == "stopped: interrupted before the end\n"


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_in_a_real_process() -> None:
    program = (
        "import os, signal\n"
        "from difface_cli.cli import app as shell\n"
        "def main(): os.kill(os.getpid(), signal.SIGINT)\n"
        "shell.plugins.load = lambda app: main() or ()\n"
        "shell.main()\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 128 + signal.SIGINT
    assert run.stderr == "stopped: interrupted before the end\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
@pytest.mark.parametrize("arguments", [["plugins"], ["plugins", "--json"], ["--version"]])
def test_a_closed_pipe_is_no_error_message(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        run = subprocess.run(
            [sys.executable, "-m", "difface_cli", *arguments],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert run.stderr == b""
    assert run.returncode in {0, 1}


def test_a_full_disk_is_an_error_and_not_a_closed_pipe() -> None:
    result = run_failing(OSError(errno.ENOSPC, "No space left on device"))
    assert "No space left" in result.stderr
    assert result.exit_code == 2


def test_commands_find_the_plugins_in_their_context() -> None:
    app, found = shell.build()
    seen: list[Any] = []

    @app.command()
    def look(ctx: typer.Context) -> None:
        seen.append(ctx.obj)

    assert CliRunner().invoke(app, ["look"]).exit_code == 0
    assert seen == [found]
