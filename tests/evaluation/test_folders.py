"""Pictures find their partners by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from difface_cli.base.errors import UsageError
from difface_cli.evaluation.folders import match
from tests.evaluation.pictures import folder


def test_stems_match_whatever_the_suffix(tmp_path: Path) -> None:
    matched = match(folder(tmp_path / "r"), folder(tmp_path / "t", suffix=".jpg"))
    assert [pair.stem for pair in matched.pairs] == ["a", "b", "sub/c"]
    assert all(
        p.reference and p.reference.stem == p.restored.stem and p.reference.suffix == ".jpg"
        for p in matched.pairs
    )


def test_who_is_alone_is_named(tmp_path: Path) -> None:
    results, truths, masks = (folder(tmp_path / name) for name in "rtm")
    (results / "a.png").rename(results / "new.png")
    (masks / "b.png").unlink()
    matched = match(results, truths, masks)
    assert [pair.stem for pair in matched.pairs] == ["sub/c"]
    assert matched.without_reference == ("new",)
    assert matched.without_result == ("a",)
    assert matched.without_mask == ("b",)


def test_two_pictures_are_a_pair_whatever_they_are_called(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "r") / "a.png", folder(tmp_path / "t") / "b.png"
    (pair,) = match(one, other).pairs
    assert (pair.restored, pair.reference) == (one, other)


def test_without_references_all_results_stand_for_themselves(tmp_path: Path) -> None:
    assert len(match(folder(tmp_path / "r"), None).pairs) == 3


def test_nothing_to_match_is_refused(tmp_path: Path) -> None:
    results = folder(tmp_path / "r")
    (tmp_path / "empty").mkdir()
    for other in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(UsageError):
            match(results, other)
    (tmp_path / "t").mkdir()
    (results / "a.png").rename(tmp_path / "t" / "x.png")
    with pytest.raises(UsageError, match="No picture of"):
        match(results, tmp_path / "t")


def test_one_stem_twice_is_refused(tmp_path: Path) -> None:
    results = folder(tmp_path / "r")
    folder(tmp_path / "r", suffix=".jpg")
    with pytest.raises(UsageError, match="differ in their suffix alone"):
        match(results, folder(tmp_path / "t"))
