"""difface convert as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from typer.testing import CliRunner, Result

from difface_cli.base.hashing import sha256
from difface_cli.cli import app as shell
from tests.weights.conftest import Checkpoint
from tests.weights.test_formats import Payload


@pytest.fixture
def source(tmp_path: Path, golden: Path) -> Path:
    tiny = Checkpoint(golden, "unet_plain")
    (tmp_path / "net.pth").write_bytes(tiny.pickled())
    (tmp_path / "params.json").write_text(json.dumps(tiny.weights.params))
    return tmp_path / "net.pth"


def run(*arguments: Path | str) -> Result:
    app, _ = shell.build()
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def test_a_checkpoint_by_hand(source: Path) -> None:
    target = source.with_suffix(".safetensors")
    params = source.parent / "params.json"
    done = run(source, target, "--network", "unet", "--params", params)
    assert done.exit_code == 0
    assert sha256(target) in done.stdout
    with safe_open(target, "pt") as f:
        assert f.metadata()["source_sha256"] == sha256(source)
    again = run(source, target, "--network", "unet", "--params", params)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert (
        run(target, target, "--network", "unet", "--params", params, "--overwrite").exit_code == 0
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("starter-prior", "does not fit the network unet"),
        ("unet", "needs --params"),
        ("odd", "is no weights block"),
    ],
)
def test_a_network_that_does_not_fit(source: Path, network: str, message: str) -> None:
    target = source.with_suffix(".safetensors")
    failed = run(source, target, "--network", network)
    assert failed.exit_code == 2
    assert message in failed.stderr
    assert not target.exists()


def test_a_payload_is_not_run(source: Path, golden: Path) -> None:
    marker = source.parent / "ran"
    tiny = Checkpoint(golden, "unet_plain")
    source.write_bytes(tiny.pickled({**tiny.state, "x": Payload(marker)}))
    params = source.parent / "params.json"
    failed = run(
        source, source.with_suffix(".safetensors"), "--network", "unet", "--params", params
    )
    assert failed.exit_code == 2
    assert "could run code" in failed.stderr
    assert not marker.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 10**5])
def test_wrong_parameters_are_one_sentence(source: Path, text: str) -> None:
    params = source.parent / "params.json"
    params.write_text(text)
    target = source.with_suffix(".safetensors")
    failed = run(source, target, "--network", "unet", "--params", params)
    assert failed.exit_code == 2
    assert "params.json" in failed.stderr


@pytest.mark.parametrize("name", ["net.bin", "net"])
def test_the_target_must_say_what_it_is(source: Path, name: str) -> None:
    failed = run(source, source.parent / name, "--network", "starter-prior")
    assert failed.exit_code == 2
    assert "not named .safetensors" in failed.stderr
