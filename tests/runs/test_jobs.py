"""Where results go, and that nothing of the user's is in their way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from difface_cli.base.errors import OutputError
from difface_cli.runs import jobs


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photos(count: int) -> list[str]:
    names = [f"{k}.png" for k in range(count)]
    for name in names:
        Path(name).touch()
    return names


def test_a_photo_behind_any_name_of_it_is_not_written_over() -> None:
    first, second = photos(2)
    Path("link.png").symlink_to(second)
    Path("hard.png").hardlink_to(second)
    Path("folder").symlink_to(".")
    for output in (second, "link.png", "hard.png", f"folder/{second}"):
        with pytest.raises(OutputError, match=f"is the input {second}"):
            jobs.plan([second], Path(output), overwrite=True)
    with pytest.raises(OutputError, match=f"{first} is the input {first}"):
        jobs.plan([first, second], Path("folder"), overwrite=True)
    assert jobs.plan([first], Path("other.png"))[0].target == Path("other.png")


def test_links_in_a_circle_are_no_photo_and_no_hindrance() -> None:
    Path("ping.png").symlink_to("pong.png")
    Path("pong.png").symlink_to("ping.png")
    jobs.plan(["ping.png"], Path("out.png"))
    with pytest.raises(OutputError, match="is the input"):
        jobs.plan(["ping.png"], Path("ping.png"), overwrite=True)


def test_twice_the_photos_are_twice_the_looks_at_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []
    stat = Path.stat

    def noted(path: Path, **named: Any) -> Any:
        looks.append(path)
        return stat(path, **named)

    monkeypatch.setattr(Path, "stat", noted)

    def count(number: int) -> int:
        names = photos(number)
        looks.clear()
        jobs.plan(names, None)
        return len(looks)

    assert count(40) <= 2 * count(20)
