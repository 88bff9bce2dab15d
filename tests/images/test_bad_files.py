"""Every bad input is one ImageError with a next step, soon, and without a word on stderr."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from difface_cli.base.errors import ImageError
from difface_cli.images import peek, read, read_bytes, read_stdin, reading

from .pictures import chunk, exif_block, noise, png, saved, smooth


def refused(data: bytes, match: str) -> None:
    with pytest.raises(ImageError, match=match) as caught:
        read_bytes(data, "bad photo.jpg")
    assert caught.value.message.startswith("bad photo.jpg ")
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")


def path_refused(path: Path, match: str) -> None:
    for function in (read, peek):
        with pytest.raises(ImageError, match=match) as caught:
            function(path)
        assert path.name in caught.value.message
        assert caught.value.hint


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    path_refused(tmp_path / "missing.jpg", "does not exist")
    path_refused(tmp_path, "folder")
    file = tmp_path / "empty.jpg"
    file.touch()
    path_refused(file, "0 bytes")
    path_refused(file / "below.jpg", "does not exist")
    path_refused(tmp_path / ("long" * 100 + ".jpg"), "cannot be opened")
    path_refused(Path("/dev/null"), "device")


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: socket.socket(socket.AF_UNIX).bind(p)])
def test_pipes_are_refused_without_waiting(
    make: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    make("pipe.jpg")
    # Whoever opens a pipe waits for its other end.
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    path_refused(Path("pipe.jpg"), "pipe or device")


def test_null_byte_in_the_path() -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        read("a\0b.jpg")


def test_forbidden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(png(noise(20, 20, 3)))

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # root may read whatever chmod says
    path_refused(path, "permission denied")


def test_name_that_is_no_utf8_can_be_printed(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        read(tmp_path / os.fsdecode(b"caf\xe9.jpg"))
    assert "caf" in caught.value.message.encode("utf-8").decode()


def test_stdin_without_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        def isatty(self) -> bool:
            return self is terminal

        @property
        def buffer(self) -> Stdin:
            return self

        def read(self, limit: int) -> bytes:
            return bytes(limit)

    terminal = Stdin()
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(ImageError, match="standard input"):
        read_stdin()
    monkeypatch.setattr(sys, "stdin", Stdin())
    monkeypatch.setattr(reading, "MAX_STDIN", 100)
    with pytest.raises(ImageError, match="more than"):
        read_stdin()


def test_content_that_is_no_picture() -> None:
    refused(b"", "0 bytes")
    refused(b"Dear diary, this is no photo at all.\n" * 9, "not a picture")
    refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n", "not a picture")
    refused(b"\xff\xd8\xff\xe0" + bytes(100), "damaged")


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP"])
def test_tiny_picture(size: tuple[int, int], format: str) -> None:
    refused(saved(Image.new("RGB", size), format), rf"{size[0]}x{size[1]} pixels.*at least 16")


def test_smallest_picture_is_read() -> None:
    assert read_bytes(saved(Image.new("RGB", (16, 16)), "PNG"), "a").width == 16


@pytest.mark.parametrize("side", [60_000, 17_321])
def test_bomb_is_refused_by_its_header(
    side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = png(noise(20, 20, 3), size=(side, side))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("it was decoded"))
    refused(bomb, f"{side}x{side} pixels, more than 300 million")
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb)
    path_refused(path, "million")


@pytest.fixture
def less_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures of more than a megapixel be large; the fuzzing has some that really are."""
    monkeypatch.setattr(reading, "HARMLESS", 10**6)


@pytest.mark.usefixtures("less_is_large")
def test_small_file_of_a_large_picture_is_refused() -> None:
    white = Image.new("1", (2000, 1500), 1)
    refused(saved(white, "TIFF", compression="group4"), "2000x1500 pixels and has only")
    refused(saved(Image.new("P", (2000, 2000)), "GIF"), "2000x2000 pixels and has only")


@pytest.mark.usefixtures("less_is_large")
def test_large_picture_with_the_bytes_of_one_is_read() -> None:
    packed = saved(Image.new("L", (2000, 2000), 7), "PNG")
    refused(packed, "2000x2000 pixels and has only")
    padded = packed + bytes(2000 * 2000 // reading.DENSEST)
    pixels = read_bytes(padded, "a").pixels
    assert pixels.shape == (2000, 2000, 1)
    assert (pixels == 7).all()


def test_jpeg_that_draws_its_pixels_again_and_again_is_refused() -> None:
    whole = saved(Image.new("RGB", (2000, 2000)), "JPEG", progressive=True)
    last = whole.rfind(b"\xff\xda")
    read_bytes(whole[:last] + whole[last:-2] * 20 + whole[-2:], "a")
    refused(whole[:last] + whole[last:-2] * 1000 + whole[-2:], "damaged")


def test_pillow_keeps_its_own_limit_but_does_not_apply_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_bytes(png(noise(20, 20, 3)), "a").width == 20
    refused(png(noise(20, 20, 3))[:-40], "damaged")
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (np.zeros((20, 20), np.float32), "floating-point"),
        (np.full((20, 20), 70_000, np.int32), "beyond 16 bits"),
        (np.full((20, 20), -5, np.int16), "beyond 16 bits"),
    ],
)
def test_samples_without_a_sensible_range(values: np.ndarray, match: str, tmp_path: Path) -> None:
    path = tmp_path / "science.tif"
    tifffile.imwrite(path, values)
    with pytest.raises(ImageError, match=match):
        read(path)


def test_separate_planes_of_16_bits(tmp_path: Path) -> None:
    path = tmp_path / "planes.tif"
    planes = noise(3, 20, 30, depth=16)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(ImageError, match="16-bit colours"):
        read(path)


OPTIONS: list[tuple[str, dict[str, object]]] = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"restart_marker_rows": 1}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("BMP", {}),
]


def rich(format: str, options: dict[str, object]) -> bytes:
    """A file with metadata and detail."""
    pixels = (smooth() // 2 + noise(48, 64, 3) // 8).astype(np.uint8)
    # Pillow cannot put EXIF into a compressed TIFF.
    extra = {} if format == "BMP" or "compression" in options else {"exif": exif_block(3)}
    return saved(Image.fromarray(pixels), format, **options, **extra)


@pytest.mark.parametrize(("format", "options"), OPTIONS)
def test_cut_file_is_refused_or_complete(format: str, options: dict[str, object]) -> None:
    whole = rich(format, options)
    truth = read_bytes(whole, "a").pixels
    refusals = 0
    for cut in [
        *range(1, len(whole) - 20, 1 + len(whole) // 40),
        *range(len(whole) - 20, len(whole)),
    ]:
        try:
            assert np.array_equal(read_bytes(whole[:cut], "a").pixels, truth)
        except ImageError:
            refusals += 1
    assert refusals >= 40


def test_cut_16_bit_files_are_refused() -> None:
    whole = png(noise(40, 40, 3, depth=16))
    for cut in range(30, len(whole) - 30, 500):
        refused(whole[:cut], "damaged|not a picture")


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_download_filled_up_with_zeros_is_refused(format: str) -> None:
    thumbnail = saved(Image.fromarray(smooth()), "JPEG")  # brings an end mark of its own
    pixels = np.repeat(np.repeat(smooth(), 3, axis=0), 3, axis=1) + noise(144, 192, 3) // 16
    whole = saved(Image.fromarray(pixels), format, exif=b"Exif\0\0" + exif_block() + thumbnail)
    read_bytes(whole + b"a film behind the photo", "a")
    for cut in range(len(whole) // 2, len(whole) - 20, 97):
        refused(whole[:cut] + bytes(len(whole) - cut), "damaged")


def test_nothing_is_warned_about(
    recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    read_bytes(png(noise(20, 20, 3), chunk(b"acTL", bytes(8))), "a")  # an animation of nothing
    for data in (rich("TIFF", {})[:-300], png(noise(20, 20, 3), size=(9999, 9999))):
        with pytest.raises(ImageError):
            read_bytes(data, "a")
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_libtiff_prints_nothing(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    whole = bytearray(saved(Image.fromarray(noise(48, 64, 3)), "TIFF", compression=compression))
    strips = whole.find(b"\x78\x9c") if compression == "tiff_adobe_deflate" else 8
    whole[strips + 10 : strips + 2000] = b"\xff" * 1990
    refused(bytes(whole), "damaged")
    assert capfd.readouterr() == ("", "")


def test_pillow_does_not_print_what_it_logs(tmp_path: Path) -> None:
    whole = saved(Image.fromarray(smooth()), "TIFF")
    samples = struct.pack("<HHI", 277, 3, 1)
    path = tmp_path / "wide.tif"
    path.write_bytes(whole.replace(samples + b"\3", samples + b"\xf0"))
    code = "import sys; from difface_cli.images import read; read(sys.argv[1])"
    # pytest takes what is logged in its own process.
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert "ImageError" in done.stderr
    assert "More samples" not in done.stderr.splitlines()[0]


def readable_or_refused(data: bytes) -> None:
    """Nothing but a Photo or an ImageError, and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            photo = read_bytes(data, "a")
        except ImageError as error:
            assert error.hint
        else:
            assert photo.width * photo.height <= SMALL_LIMIT


SMALL_LIMIT = 1_000_000
VALID = [rich(format, options) for format, options in OPTIONS]
VALID += [png(noise(20, 20, channels, depth=16)) for channels in (1, 2, 3, 4)]
VALID += [saved(Image.fromarray(noise(20, 20) % 5, "P"), format) for format in ("PNG", "GIF")]
STARTS = [
    b"",
    b"\xff\xd8\xff\xe1",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x99\0\0\0WEBPVP8 ",
    b"II*\0",
    b"BM",
]
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUICK = settings(max_examples=150, suppress_health_check=SUPPRESSED)


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds the memory a mutated header can ask for."""
    monkeypatch.setattr(reading, "MAX_PIXELS", SMALL_LIMIT)


@QUICK
@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_random_bytes(small_limit: None, start: bytes, tail: bytes) -> None:
    readable_or_refused(start + tail)


@QUICK
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), max_size=4),
    st.floats(0, 1),
)
def test_mutated_files(
    small_limit: None, whole: bytes, edits: list[tuple[float, bytes]], front: float
) -> None:
    data = bytearray(whole)
    # Half of the edits fall into the headers, where most of the decisions are taken.
    reach = 120 if front < 0.5 else len(data)
    for where, patch in edits:
        at = int(where * reach)
        data[at : at + len(patch)] = patch
    readable_or_refused(bytes(data))
