"""Pillow without its warnings, without its own size limit, and without what its libtiff prints."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

_ONE_AT_A_TIME = threading.RLock()

# Without a handler, Python prints what Pillow logs about damaged files.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def _hush_libtiff() -> None:
    """Take away the handler that prints on stderr, past Python, what libtiff finds damaged.

    Pillow offers no way to. Where the system does not tell which libraries are loaded, it prints.
    """
    with suppress(OSError, AttributeError, UnicodeDecodeError):
        maps = Path("/proc/self/maps").read_text().splitlines()
        loaded = {line.split(maxsplit=5)[5] for line in maps if "libtiff" in line}
        for library in loaded:
            ctypes.CDLL(library).TIFFSetErrorHandler(None)


_hush_libtiff()


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Let Pillow refuse no size, which is for the caller to check, and warn of nothing.

    Both settings belong to the whole process, so one thread at a time may be inside, and they
    are put back afterwards.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
