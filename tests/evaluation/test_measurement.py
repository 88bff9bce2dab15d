"""Pairs are measured once, in order, in bounded memory, and whatever they are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from difface_cli.base.errors import DifFaceError
from difface_cli.evaluation import cache, measurement
from difface_cli.evaluation.folders import Pair, match
from difface_cli.evaluation.measurement import Instruments, Keyed
from tests.evaluation.pictures import folder, instruments
from tests.images.pictures import smooth

Failures = list[tuple[Pair, DifFaceError]]


def measured(
    pairs: Iterable[Pair], tools: Instruments, place: Path | None = None, **options: Any
) -> tuple[dict[str, dict[str, float | None]], Failures]:
    """Stem → measure → value, and what failed."""
    failures: Failures = []
    with cache.opened(place) as values:
        done = measurement.measure(
            list(pairs), tools, values, lambda *told: failures.append(told), **options
        )

        def told(keyed: Keyed) -> dict[str, float | None]:
            return {n: values.number(keyed.both, tools.what(n))[1] for n in tools.quick}

        return {keyed.pair.stem: told(keyed) for keyed in done}, failures


def test_equal_pictures(tmp_path: Path) -> None:
    pairs = match(folder(tmp_path / "r"), folder(tmp_path / "t")).pairs
    values, failures = measured(pairs, instruments("psnr", "psnr-y", "ssim", "ssim-y", "gmsd"))
    assert not failures
    for each in values.values():
        assert each["psnr"] == each["psnr-y"] == 100
        assert each["ssim"] == pytest.approx(1)
        assert each["ssim-y"] == pytest.approx(1)
        assert each["gmsd"] == pytest.approx(0, abs=1e-12)


def test_unequal_sizes_name_both_files_and_do_not_stop_the_others(tmp_path: Path) -> None:
    results, truths = folder(tmp_path / "r"), folder(tmp_path / "t")
    Image.fromarray(smooth(48, 50)).save(truths / "b.png")
    values, failures = measured(match(results, truths).pairs, instruments("psnr"))
    assert list(values) == ["a", "sub/c"]
    ((pair, error),) = failures
    assert pair.stem == "b"
    assert str(results / "b.png") in error.message
    assert str(truths / "b.png") in error.message
    assert "48x48" in error.message
    assert "50x48" in error.message


def test_damaged_and_vanished_files_are_complaints(tmp_path: Path) -> None:
    results, truths = folder(tmp_path / "r"), folder(tmp_path / "t")
    pairs = match(results, truths).pairs
    (results / "a.png").write_bytes(b"no picture")
    (truths / "b.png").unlink()
    values, failures = measured(pairs, instruments("psnr"))
    assert list(values) == ["sub/c"]
    assert [pair.stem for pair, _ in failures] == ["a", "b"]


def test_grey_and_16_bit(tmp_path: Path) -> None:
    deep = smooth(48, 48, depth=16)[..., 0]
    for place, grey, shift in (("r", deep, 0), ("t", deep // 257, 0), ("u", deep, 257 * 10)):
        (tmp_path / place).mkdir()
        if place == "t":
            Image.fromarray(grey.astype(np.uint8)).save(tmp_path / place / "a.png")
        else:
            shifted = np.clip(grey.astype(int) // 2 + shift, 0, 65535).astype(np.uint16)
            Image.fromarray(shifted).save(tmp_path / place / "a.png")
    values, _ = measured(match(tmp_path / "u", tmp_path / "r").pairs, instruments("psnr", "ssim"))
    assert values["a"]["psnr"] == pytest.approx(-20 * np.log10(10 / 255), abs=1e-3)
    values, failures = measured(match(tmp_path / "r", tmp_path / "t").pairs, instruments("psnr"))
    assert not failures  # depths may differ
    assert values["a"]["psnr"] == pytest.approx(
        -10 * np.log10(np.mean((deep // 2 / 65535 - deep // 257 / 255) ** 2)), abs=1e-3
    )


def test_luma_is_the_fields(tmp_path: Path) -> None:
    """MATLAB's rgb2ycbcr gives 16 for black, 235 for white, 81.5 for red."""
    for name, colour in (("r", (0, 0, 0)), ("t", (255, 0, 0))):
        (tmp_path / name).mkdir()
        Image.new("RGB", (20, 20), colour).save(tmp_path / name / "a.png")
    values, _ = measured(match(tmp_path / "r", tmp_path / "t").pairs, instruments("psnr-y"))
    assert values["a"]["psnr-y"] == pytest.approx(-20 * np.log10(65.481 / 255), abs=1e-4)


def test_holes(tmp_path: Path) -> None:
    results, truths = folder(tmp_path / "r", worse=40), folder(tmp_path / "t")
    masks = folder(tmp_path / "m")
    for path in masks.rglob("*.png"):
        mask = np.zeros((48, 48), np.uint8)
        mask[10:30, 10:30] = 255 if path.stem != "b" else 0
        Image.fromarray(mask).save(path)
    pairs = match(results, truths, masks).pairs
    values, _ = measured(pairs, instruments("psnr", "psnr-hole", "ssim-hole", "seam"))
    assert values["b"]["psnr"] is not None
    assert values["b"]["psnr-hole"] is values["b"]["seam"] is values["b"]["ssim-hole"] is None
    a, t = (np.asarray(Image.open(p / "a.png"), float)[10:30, 10:30] for p in (results, truths))
    expected = -10 * np.log10((((a - t) / 255) ** 2).mean())
    assert values["a"]["psnr-hole"] == pytest.approx(expected, abs=1e-3)
    assert values["a"]["seam"] is not None
    assert values["a"]["seam"] > 1


def test_a_small_picture_has_no_ms_ssim(tmp_path: Path) -> None:
    pairs = match(folder(tmp_path / "r"), folder(tmp_path / "t")).pairs
    assert measured(pairs, instruments("ms-ssim"))[0]["a"] == {"ms-ssim": None}


def test_what_is_kept_is_not_measured_again(tmp_path: Path) -> None:
    results, truths = folder(tmp_path / "r", 9), folder(tmp_path / "t")
    pairs, place = match(results, truths).pairs, tmp_path / "deep" / "kept.sqlite"
    seen: list[str] = []

    def psnr(a: Any, b: Any, mask: Any) -> float:
        seen.append("psnr")
        return 1.0

    def look(picture: Any) -> Any:
        seen.append("look")
        return np.zeros(3, np.float32)

    tools = Instruments({"psnr": psnr}, single={"detector": look})
    measured(pairs[:2], tools, place)
    assert len(seen) == 2 + 4
    measured(pairs, tools, place)
    assert len(seen) == 3 + 6
    os.utime(results / "a.png", ns=(1, 1))
    measured(pairs, tools, place)
    assert len(seen) == 4 + 7  # the reference is the same file still
    measured(pairs, Instruments({"psnr": psnr}, marks={"psnr": "other weights"}), place)
    assert len(seen) == 11 + 3


def test_an_interrupted_run_keeps_what_it_did(tmp_path: Path) -> None:
    pairs = match(folder(tmp_path / "r"), folder(tmp_path / "t")).pairs
    place, count = tmp_path / "kept.sqlite", 0

    def look(picture: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return np.zeros(1, np.float32)

    tools = Instruments(single={"detector": look})
    with pytest.raises(KeyboardInterrupt):
        measured(pairs, tools, place)
    measured(pairs, tools, place)
    assert count == 6 + 1


def test_only_a_few_pictures_are_ahead(tmp_path: Path) -> None:
    pairs = match(folder(tmp_path / "r"), folder(tmp_path / "t")).pairs * 10
    read = finished = most = 0

    def psnr(a: Any, b: Any, mask: Any) -> float:
        nonlocal read
        read += 1
        return 1.0

    def slow(a: Any, b: Any, mask: Any) -> float:
        nonlocal finished, most
        finished += 1
        most = max(most, read - finished)
        return 1.0

    unequal = [Pair(f"{i}", p.restored, p.reference) for i, p in enumerate(pairs)]
    tools = Instruments({"psnr": psnr}, {"lpips": slow})
    with cache.opened(None) as values:
        values.number = lambda key, what: (False, None)  # type: ignore[method-assign]
        measurement.measure(unequal, tools, values, lambda pair, error: None, workers=2)
    assert finished == 30
    assert most <= 4


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "kept.sqlite").write_text("no database " * 100)
    with (
        pytest.raises(DifFaceError, match="cannot be kept"),
        cache.opened(tmp_path / "kept.sqlite"),
    ):
        pass


def test_what_says_nothing_of_references_is_not_measured_of_them(tmp_path: Path) -> None:
    seen: dict[str, int] = {"both": 0, "alone": 0}

    def counting(name: str) -> measurement.OfPicture:
        def look(picture: measurement.Picture) -> Any:
            seen[name] += 1
            return np.zeros(1, np.float32)

        return look

    tools = Instruments(
        single={name: counting(name) for name in seen}, of_results=frozenset({"alone"})
    )
    pairs = match(folder(tmp_path / "r"), folder(tmp_path / "t")).pairs
    with cache.opened(None) as values:
        for _ in range(2):
            measurement.measure(pairs, tools, values, lambda pair, error: None)
    assert seen == {"both": 2 * len(pairs), "alone": len(pairs)}
