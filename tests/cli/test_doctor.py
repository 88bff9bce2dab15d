"""`difface doctor` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from difface_cli.cli.app import build


def doctor(*arguments: str) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["doctor", *arguments], env={"COLUMNS": "200"})


def test_all_is_well_here_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIFFACE_HOME", str(tmp_path / "home"))
    done = doctor("--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0, told
    assert told["ok"]
    checked = {finding["check"] for finding in told["findings"]}
    assert {"python", "torch", "plugins", "cpu", "weights starter-prior", "restoration"} <= checked
    assert {"cache", "output", "models.toml"} <= checked
    assert not list(tmp_path.iterdir())


def test_a_failure_is_shown_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text("[models.mine]\ntask = 'fly'\n")
    done = doctor("--models", str(path))
    assert done.exit_code == 1
    assert "'fly'" in done.stdout
    assert "Correct this entry." in done.stdout
    assert "3 of " in done.stdout  # the list, the weights, the restoration
    assert "Traceback" not in done.output
