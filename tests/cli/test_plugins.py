"""Plugins: the example package really installed, and the ways in which one can be broken."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.main import get_group

from difface_cli.base.plugins import BUILT_IN, Plugin
from difface_cli.cli import plugins
from tests.cli.shell import difface

EXAMPLE = Path(__file__).parents[2] / "examples" / "difface-hello"
MakePlugin = Callable[..., None]

GOOD = """
import typer

def register(app: typer.Typer) -> None:
    @app.command("{name}")
    def command(count: int = 1) -> None:
        "Say {name}."
        typer.echo("{name} " * count)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, on the path of this process and of those it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def make(site: Path) -> MakePlugin:
    """Lay a distribution `name` with one module `source` into the site."""

    def make(name: str, source: str | None, value: str | None = None) -> None:
        module = f"plugin_{name}"
        if source is not None:
            (site / f"{module}.py").write_text(source)
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[difface.plugins]\n{name} = {value or module}\n")

    return make


def load() -> tuple[dict[str, Plugin], set[str]]:
    """What became of each plugin, and the commands that the app has."""
    app = typer.Typer()
    found = plugins.load(app)
    return {plugin.name: plugin for plugin in found}, set(get_group(app).commands)


def test_the_example_works_once_installed(tmp_path: Path) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = environment / scripts / "python"
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    ours = [path for path in sys.path if path.endswith("-packages")]
    lines = [f"import site; site.addsitedir({path!r})\n" for path in ours]
    Path(packages, "parent.pth").write_text("".join(lines))

    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, *offline, str(EXAMPLE)], check=True)

    assert difface("hello", "Ada", python=python).stdout == "Hello, Ada!\n"
    listed = json.loads(difface("plugins", "--json", python=python).stdout)
    assert [p["version"] for p in listed if p["name"] == "hello" and p["error"] is None] == [
        "0.1.0"
    ]
    assert difface("hello", "Ada").returncode == 2, "it stays out of our own environment"


def test_built_in_commands_come_first_and_then_by_name(make: MakePlugin) -> None:
    make("zulu", GOOD.format(name="zulu"))
    make("alpha", GOOD.format(name="alpha"))
    found, commands = load()
    names = list(found)
    built_in = [name for name in names if found[name].distribution == BUILT_IN]
    assert "plugins" in built_in
    assert names == [*sorted(built_in), "alpha", "zulu"]
    assert commands >= {"plugins", "alpha", "zulu"}
    assert found["zulu"] == Plugin("zulu", "zulu", "1.0", "plugin_zulu")


HALF_DONE = GOOD.format(name="half") + "    raise RuntimeError('midway,\\nover two lines')\n"
WRONG_TYPE = GOOD.format(name="types").replace("int", "'NoSuchType'")
WRONG_HELP = GOOD.format(name="markup").replace("Say", "[/nothing]")
BROKEN = {
    "import": ("import no_such_module_anywhere", "ModuleNotFoundError"),
    "syntax": ("def register(app:", "SyntaxError"),
    "exit": ("raise SystemExit('no licence')", "SystemExit: no licence"),
    "unregistered": ("x = 1", "plugin_unregistered has no register(app)"),
    "half": (HALF_DONE, "RuntimeError: midway, over two lines"),
    "taken": (GOOD.format(name="plugins"), "'plugins' is there already, from difface-cli"),
    "types": (WRONG_TYPE, "NameError: name 'NoSuchType' is not defined"),
    "markup": (WRONG_HELP, "MarkupError"),
    "root": ("def register(app): app.callback()(lambda: None)", "sets a callback"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_skipped_whole_and_says_why(kind: str, make: MakePlugin) -> None:
    _, before = load()
    source, reason = BROKEN[kind]
    make(kind, source)
    make("sound", GOOD.format(name="sound"))
    found, commands = load()
    error = found[kind].error
    assert error is not None
    assert reason in error
    assert "\n" not in error
    assert found["sound"].error is None
    assert commands == before | {"sound"}


def test_of_two_plugins_with_one_command_the_first_by_name_keeps_it(make: MakePlugin) -> None:
    make("one", GOOD.format(name="same"))
    make("two", GOOD.format(name="same"))
    found, commands = load()
    assert found["one"].error is None
    assert found["two"].error == "the command 'same' is there already, from one"
    assert "same" in commands


def test_a_missing_module_or_attribute_is_a_reason(make: MakePlugin) -> None:
    make("gone", None)
    make("lost", "x = 1", value="plugin_lost:nothing")
    found, _ = load()
    assert "plugin_gone" in (found["gone"].error or "")
    assert "nothing" in (found["lost"].error or "")


def test_damaged_metadata_of_others_is_survived(site: Path, make: MakePlugin) -> None:
    make("sound", GOOD.format(name="sound"))
    for name, content in {
        "bytes": b"\xff\xfe\x00",
        "lines": b"[difface.plugins]\nno equals\n",
    }.items():
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_bytes(content)
    found, commands = load()
    assert "sound" in commands
    assert [p.value for p in found.values() if p.error] == ["entry_points.txt"]


def test_each_broken_plugin_is_one_warning_line_and_the_rest_works(make: MakePlugin) -> None:
    for kind in ("import", "half", "taken"):
        make(kind, BROKEN[kind][0])
    make("sound", GOOD.format(name="sound"))
    run = difface("sound", "--count", "2")
    assert run.stdout == "sound sound \n"
    assert run.returncode == 0
    warnings = run.stderr.splitlines()
    assert len(warnings) == 3
    for line, kind in zip(warnings, ("half", "import", "taken"), strict=True):
        assert line.startswith(f"warning: plugin '{kind}' of {kind} is skipped: ")
        assert line.endswith("(see: difface plugins)")


def test_the_list_shows_sound_and_broken(make: MakePlugin) -> None:
    make("import", BROKEN["import"][0])
    make("sound", GOOD.format(name="sound"))
    table = difface("plugins", COLUMNS="120").stdout
    states = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    assert states["sound"].split() == ["sound", "sound", "1.0", "ok"]
    assert "no_such_module_anywhere" in states["import"]
    listed = {p["name"]: p for p in json.loads(difface("plugins", "--json").stdout)}
    assert listed["sound"]["error"] is None
    assert listed["import"]["error"].startswith("ModuleNotFoundError")
