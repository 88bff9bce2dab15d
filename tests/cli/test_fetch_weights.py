"""difface fetch-weights as a user runs it, against a server of this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from difface_cli.cli import app as shell
from tests.cli.shell import difface
from tests.weights.conftest import Checkpoint
from tests.weights.hub import REVISION, Hub, serving

BLOCKS = """
[weights.tiny]
part = "prior"
network = "unet"
bytes = {size}
sha256 = "{digest}"
licence = "S-Lab-1.0"
licence_url = "https://example.org/licence"
sources = [{{ hf = "who/net", revision = "{revision}", file = "deep/net.pth" }}]
params = {params}

[models.portraits]
task = "restore"
prior = "tiny"
estimator = "starter-estimator"
detector = "starter-detector"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture(scope="module")
def content(golden: Path) -> bytes:
    return Checkpoint(golden, "unet_plain").pickled()


@pytest.fixture
def hub(
    server: Hub, tmp_path: Path, content: bytes, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> Hub:
    """A hub that has the model `portraits` of the user's models.toml; nothing is here yet."""
    server.reset()
    server.add("who/net", "deep/net.pth", content)
    params = Checkpoint(golden, "unet_plain").weights.params
    inline = ", ".join(f"{k} = {str(v).lower()}" for k, v in params.items())
    models = tmp_path / "models.toml"
    models.write_text(
        BLOCKS.format(
            size=len(content),
            digest=hashlib.sha256(content).hexdigest(),
            revision=REVISION,
            params=f"{{ {inline} }}",
        )
    )
    environment = {
        "DIFFACE_HOME": str(tmp_path / "home"),
        "DIFFACE_MODELS": str(models),
        "HF_ENDPOINT": server.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "COLUMNS": "200",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return server


def run(*arguments: str) -> Result:
    app, _ = shell.build()
    return CliRunner().invoke(app, ["fetch-weights", *arguments])


def row(output: str, name: str) -> list[str]:
    (line,) = (line for line in output.splitlines() if line.strip().startswith(name + " "))
    return line.split()


def test_everything_is_shown_before_a_download(hub: Hub, content: bytes) -> None:
    shown = run("portraits", "--dry-run")
    assert shown.exit_code == 0
    for fact in (
        f"who/net@{REVISION}/deep/net.pth",
        f"{len(content):,} bytes",
        hashlib.sha256(content).hexdigest(),
        "S-Lab-1.0 https://example.org/licence",
    ):
        assert fact in shown.stdout
    assert "starter" not in shown.stdout
    assert not hub.asked


def test_without_a_terminal_consent_must_be_given_ahead(hub: Hub) -> None:
    refused = run("portraits")
    assert refused.exit_code == 2
    assert "non-commercial use only" in refused.stdout
    assert "no evidence of identity" in refused.stdout
    assert "--accept-license" in refused.stderr
    assert not hub.asked


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_the_user_is_asked(
    hub: Hub, answer: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("difface_cli.cli.fetch_weights.at_terminal", lambda: True)
    app, _ = shell.build()
    asked = CliRunner().invoke(app, ["fetch-weights", "portraits"], input=answer)
    assert asked.exit_code == code
    assert bool(hub.asked) == (code == 0)


def test_fetched_listed_and_verified(hub: Hub, tmp_path: Path) -> None:
    assert row(run("--list").stdout, "portraits")[-4:] == ["2", "of", "3", "-"]
    assert run("portraits", "--accept-license").exit_code == 0
    assert row(run("--list").stdout, "portraits")[-3:] == ["yes", "not", "checked"]
    checked = run("--verify", "portraits")
    assert checked.exit_code == 0
    assert row(checked.stdout, "portraits")[-2:] == ["yes", "yes"]
    assert "Everything is here" in run("portraits").stdout

    (file,) = (tmp_path / "home" / "weights").glob("tiny-*.safetensors")
    with file.open("r+b") as f:
        f.seek(-1, 2)
        f.write(b"\xff")
    damaged = run("--verify")
    assert damaged.exit_code == 2
    assert row(damaged.stdout, "portraits")[-2:] == ["yes", "NO"]
    assert "fetch-weights portraits" in damaged.stderr


def test_the_starter_is_always_here(hub: Hub) -> None:
    listed = run("--list", "--verify", "starter")
    assert row(listed.stdout, "starter")[-2:] == ["yes", "yes"]
    assert "Everything is here" in run("starter").stdout
    assert not hub.asked


def test_files_at_hand_need_no_connection(hub: Hub, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.pth").write_bytes(content)
    assert run("portraits", "--from", str(tmp_path / "mine")).exit_code == 0
    assert row(run("--list").stdout, "portraits")[-3] == "yes"
    assert not hub.asked


def test_offline_says_why_nothing_comes(hub: Hub) -> None:
    failed = run("portraits", "--offline", "--accept-license")
    assert failed.exit_code == 2
    assert "no connection is wanted" in failed.stderr
    assert not hub.asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name a model"),
        (("nobody",), "There is no model 'nobody'"),
        (("portraits", "--from", "/nowhere/at/all"), "is no folder"),
    ],
)
def test_wrong_arguments_are_explained(hub: Hub, arguments: tuple[str, ...], message: str) -> None:
    failed = run(*arguments)
    assert failed.exit_code == 2
    assert message in failed.stderr
    assert "hint:" in failed.stderr


def test_half_precision_halves_the_file(hub: Hub, content: bytes, tmp_path: Path) -> None:
    assert run("portraits", "--accept-license", "--dtype", "fp16").exit_code == 0
    (file,) = (tmp_path / "home" / "weights").glob("tiny-*.safetensors")
    assert file.stat().st_size < 0.55 * len(content)


def test_in_a_process_of_its_own(hub: Hub) -> None:
    """The shell's own run: a fresh client of the hub, its own environment, nothing on stderr."""
    ran = difface("fetch-weights", "portraits", "--accept-license")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "tiny: verified" in ran.stdout


def test_restoring_without_the_weights_names_the_command(hub: Hub, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "old.png")
    app, _ = shell.build()
    photo, out = str(tmp_path / "old.png"), str(tmp_path / "out.png")
    failed = CliRunner().invoke(app, ["restore", photo, "--model", "portraits", "-o", out])
    assert failed.exit_code == 2
    assert "difface fetch-weights portraits" in failed.stderr
    assert not hub.asked
