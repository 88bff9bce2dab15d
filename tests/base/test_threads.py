from __future__ import annotations

import os
from pathlib import Path

import pytest

import difface_cli
from difface_cli.base import threads
from difface_cli.cli import app


@pytest.fixture(autouse=True)
def _free(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that it is put back
    monkeypatch.delenv("GOMP_SPINCOUNT")


@pytest.mark.parametrize(
    ("load", "spins"),
    [
        ("0.00 0.01 0.05 1/345 999\n", threads.IDLE),
        ("0.00 0.01 0.05 3/345 999\n", threads.BUSY),
        ("what is this", threads.IDLE),
    ],
)
def test_threads_wait_as_the_machines_load_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: str, spins: int
) -> None:
    (tmp_path / "loadavg").write_text(load)
    monkeypatch.setattr(threads, "LOAD", tmp_path / "loadavg")
    threads.prepare()
    assert os.environ["GOMP_SPINCOUNT"] == str(spins)


def test_a_system_that_does_not_tell_counts_as_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "LOAD", tmp_path / "none")
    assert not threads.busy()


@pytest.mark.parametrize("name", threads.VARIABLES)
def test_the_users_own_variables_win(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "passive")
    threads.prepare()
    assert os.environ.get("GOMP_SPINCOUNT") == ("passive" if name == "GOMP_SPINCOUNT" else None)


def test_the_api_and_the_command_choose_before_pytorch_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def loading() -> object:
        return difface_cli.load

    def command() -> object:
        monkeypatch.setattr("sys.argv", ["difface", "--version"])
        with pytest.raises(SystemExit):
            app.main()
        return None

    for begin in (loading, command):
        monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
        begin()
        assert "GOMP_SPINCOUNT" in os.environ
