"""Portraits are read when needed, few are kept, and bad ones named."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difface_cli.base.errors import ImageError
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.training.scenes import album as albums
from difface_cli.training.scenes.album import Album
from tests.training.scenes.people import BOX, LANDMARKS, dots, dotted, folder


def test_only_the_split_asked_for_is_there(tmp_path: Path) -> None:
    place = folder(tmp_path, 4)
    entries = json.loads((place / "manifest.json").read_text())
    entries[1]["split"] = "test"
    (place / "manifest.json").write_text(json.dumps(entries))
    assert [p.stem for p in Album.of("train", place).paths] == ["p0", "p2", "p3"]
    assert [p.stem for p in Album.of("test", place).paths] == ["p1"]


def test_a_large_portrait_is_shrunk_with_its_landmarks(tmp_path: Path) -> None:
    whole = tmp_path / "large.png"
    portrait = dotted()
    large = np.kron(portrait.pixels, np.ones((16, 16, 1), np.uint8))
    Image.fromarray(large).save(whole)
    marks = np.concatenate([BOX.reshape(2, 2), LANDMARKS]) * 16 + 7.5
    small = albums.read(whole, marks.reshape(14).astype(np.float32))
    assert max(small.pixels.shape) == albums.LONGEST
    np.testing.assert_allclose(dots(small.pixels), small.landmarks, atol=0.5)
    np.testing.assert_allclose(small.width / portrait.width, albums.LONGEST / 160, rtol=1e-3)


def test_an_aligned_portrait_has_its_face_where_the_template_has_it(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (512, 512)).save(tmp_path / "train" / f"{name}.jpg")
    entries = [{"id": "a", "split": "train"}, {"id": "b", "split": "train", "yaw": -0.2}]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    straight, turned = (Album.of("train", tmp_path)[i] for i in (0, 1))
    np.testing.assert_allclose(straight.landmarks[[0, 1, 3, 4]], FFHQ_TEMPLATE_512[[0, 1, 3, 4]])
    eyes = straight.landmarks[1, 0] - straight.landmarks[0, 0]
    moved = turned.landmarks - straight.landmarks
    np.testing.assert_allclose(moved[2], [-0.2 * eyes, 0], atol=1e-3)
    np.testing.assert_allclose(moved[[0, 1, 3, 4]], 0)
    x0, y0, x1, y1 = straight.box
    assert ((straight.landmarks > [x0, y0]) & (straight.landmarks < [x1, y1])).all()


def test_two_folders_make_one_album(tmp_path: Path) -> None:
    album = Album.of("train", folder(tmp_path / "one", 2), folder(tmp_path / "two", 3))
    assert [path.parent.parent.name for path in album.paths] == ["one"] * 2 + ["two"] * 3
    assert len(album.marks) == len(album.entries) == len(album) == 5


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "KEPT", 2)
    album = Album.of("train", folder(tmp_path, 5))
    for number in (0, 1, 2, 3, 3, 4):
        album[number]
    assert list(album._kept) == [3, 4]


def test_a_bad_file_is_named_once_and_the_next_stands_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = folder(tmp_path, 3)
    (place / "whole" / "p1.jpg").write_bytes(b"no picture")
    album = Album.of("train", place)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(album[1].pixels, album[2].pixels)
        album[1]
    assert [r.getMessage() for r in caplog.records if "p1.jpg" in r.getMessage()] == [
        caplog.messages[0]
    ]


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    place = folder(tmp_path, 2)
    for path in (place / "whole").iterdir():
        path.unlink()
    with pytest.raises(ImageError, match="None of the portraits"):
        Album.of("train", place)[0]


@pytest.mark.parametrize(
    "text", [None, "no json", "[" * 10**5, "{}", "[1]", '[{"split": "train", "id": "a"}]', "[]",
             '[{"split": "train", "id": "a", "box": [9, 9, 1, 1], "landmarks5": []}]',
             '[{"split": "train", "id": "a", "box": [1, 1, 9, 1e99], '
             '"landmarks5": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}]']
)  # fmt: skip
def test_a_wrong_manifest_is_one_sentence(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ImageError, match=r"manifest\.json") as raised:
        Album.of("train", tmp_path)
    assert "manifest.json" in raised.value.hint
