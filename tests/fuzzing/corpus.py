"""A folder of photos nobody wants: every kind of bad file, made anew each time.

`python -m tests.fuzzing.corpus FOLDER` makes it by hand.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.images.pictures import chunk, exif_block, fake_profile, noise, png, saved, tiff

from . import seeds

FORMATS = ("plain.jpg", "plain.png", "plain.webp", "plain.tif", "plain.bmp", "plain.gif")
OTHERS = ("plain.jp2", "plain.avif", "plain.ppm")


@dataclass(frozen=True)
class Bad:
    """One file.

    Attributes:
        name: within the folder; need not be valid UTF-8.
        readable: whether it is a picture after all, which has to be read.
    """

    name: str
    readable: bool = False


def make(folder: Path) -> list[Bad]:
    """Fill an empty folder; what the system cannot have is left out."""
    made = []
    for name, data, readable in (*_damaged(), *_headers(), *_odd(), *_metadata()):
        (folder / name).write_bytes(data)
        made.append(Bad(name, readable))
    made += [Bad(name) for name in _no_files(folder)]
    return made + list(_names(folder))


def _named(what: str, seed: str) -> str:
    """A name that differs from all others by more than its suffix."""
    return f"{what}_{seed.replace('.', '_')}{Path(seed).suffix}"


def _damaged() -> Iterator[tuple[str, bytes, bool]]:
    """Empty, cut, overwritten, filled up with zeros, of another kind than they say."""
    for name in (*FORMATS, *OTHERS):
        whole = seeds.pictures()[name]
        yield _named("empty", name), b"", False
        yield _named("cut", name), whole[:20], False
        yield _named("junk", name), whole[:12] + bytes(range(256)) * 4, False
    for name in ("plain.jpg", "plain.png"):
        whole = seeds.pictures()[name]
        half = whole[: len(whole) // 2]
        yield _named("half", name), half, False
        yield _named("zeros", name), half + bytes(len(whole) - len(half)), False
    yield "text.jpg", b"Dear diary, this is no photo at all.\n" * 9, False
    yield "page.png", b"<!doctype html><html><body>404 Not Found</body></html>", False
    yield "film.jpg", b"\0\0\0\x18ftypmp42" + bytes(500), False
    yield "script.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n", False
    yield "drawing.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', False
    yield "archive.tif", seeds.npz(), False
    yield "really_a_png.jpg", seeds.pictures()["plain.png"], True
    yield "really_a_jpeg.bmp", seeds.pictures()["plain.jpg"], True


def _headers() -> Iterator[tuple[str, bytes, bool]]:
    """Sizes that nobody has, and files made to fill the memory or to take for ever."""
    for width, height in ((0, 0), (1, 1), (60_000, 1), (60_000, 60_000), (2**31 - 1, 2**31 - 1)):
        yield f"claims_{width}x{height}.png", png(noise(20, 20, 3), size=(width, height)), False
    yield "one.gif", saved(Image.new("P", (1, 1)), "GIF"), False
    yield "thin.jpg", saved(Image.new("RGB", (60_000, 1)), "JPEG"), False
    yield "bomb_png.png", saved(Image.new("1", (9000, 9000)), "PNG"), False
    yield "bomb_gif.gif", saved(Image.new("P", (9000, 9000)), "GIF"), False
    fax = saved(Image.new("1", (9000, 9000)), "TIFF", compression="group4")
    yield "bomb_tif.tif", fax, False
    text = b"Comment\0\0" + seeds.zeros(100_000_000)
    yield "bomb_of_text.png", png(noise(20, 20, 3), chunk(b"zTXt", text)), False
    yield "bomb_of_scans.jpg", seeds.many_scans(5000, 2000), False


def _odd() -> Iterator[tuple[str, bytes, bool]]:
    """What is rare and fine, and what cannot be shown."""
    for name, data in seeds.pictures().items():
        yield _named("fine", name), data, name != "float.tif"
    yield "wide.tif", tiff(np.full((20, 20), 70_000, np.int32)), False
    yield "nan.tif", tiff(np.full((20, 20), np.nan, np.float32)), False
    yield "planes.tif", tiff(noise(3, 20, 30, depth=16), planarconfig="separate"), False


def _metadata() -> Iterator[tuple[str, bytes, bool]]:
    """Broken EXIF, profiles and transparency around good pixels."""
    block = exif_block(6)
    for at in (0, 4, 8, 10, 30):
        broken = block[:at] + b"\xff\xff\xff\xff" + block[at + 4 :]
        yield f"exif_{at}.jpg", saved(seeds.RGB, "JPEG", exif=b"Exif\0\0" + broken), True
    for name, profile in (("junk", b"junk" * 50), ("cmyk", fake_profile(b"CMYK")), ("tiny", b"x")):
        yield f"profile_{name}.png", saved(seeds.RGB, "PNG", icc_profile=profile), True
        ink = saved(seeds.RGB.convert("CMYK"), "JPEG", icc_profile=profile)
        yield f"profile_of_ink_{name}.jpg", ink, True
    chunks = seeds.png_chunks(saved(seeds.RGB, "PNG"))
    for length in (0, 1):
        wrong = [chunks[0], (b"tRNS", bytes(length)), *chunks[1:]]
        yield f"alpha_{length}.png", seeds.png_of(wrong), False


def _no_files(folder: Path) -> Iterator[str]:
    """Names of folders, pipes, sockets, devices and links that lead nowhere, in circles or out."""
    (folder / "folder.jpg").mkdir()
    yield "folder.jpg"
    os.mkfifo(folder / "pipe.jpg")
    yield "pipe.jpg"
    with suppress(OSError), socket.socket(socket.AF_UNIX) as server:  # its path may be too long
        server.bind(str(folder / "socket.jpg"))
        yield "socket.jpg"
    with suppress(OSError):  # only root makes devices
        os.mknod(folder / "device.jpg", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        yield "device.jpg"
    targets = {"zero": "/dev/zero", "nowhere": "absent.jpg", "round": "round.jpg", "up": ".."}
    for name, target in targets.items():
        (folder / f"{name}.jpg").symlink_to(target)
        yield f"{name}.jpg"
    (folder / "ping.jpg").symlink_to("pong.jpg")
    (folder / "pong.jpg").symlink_to("ping.jpg")
    yield from ("ping.jpg", "pong.jpg", "absent.jpg", "absent/photo.jpg")
    yield "fine_plain_jpg.jpg/below.jpg"  # below a file


def _names(folder: Path) -> Iterator[Bad]:
    """Good pictures whose names are a nuisance, and names that nothing can have."""
    letters = "x" * 200
    for name in (
        *("a\nb.png", "-o.png", "--overwrite.png", "a b'\"$(ls).png", "[red]x[/red].png"),
        *("\x1b[31m.png", "ä é 漢字.png", ".hidden.png", "no_suffix", f"{letters}.png"),
        *("many.dots.in.it.png", "CON.png", "large.PNG", os.fsdecode(b"caf\xe9.png")),
    ):
        with suppress(OSError):  # a file system of valid UTF-8 alone
            (folder / name).write_bytes(seeds.pictures()["plain.png"])
            yield Bad(name, readable=True)
    yield from map(Bad, ("x" * 300 + ".png", "x/" * 3000 + "y.png", "a\0b.png", " "))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir()
    print(f"{len(make(target))} files and names in {target}")
