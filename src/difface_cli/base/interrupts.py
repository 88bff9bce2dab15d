"""Ctrl-C as a wish that is granted at the end of a step, or of a photo."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

STDERR = 2


class Interrupts:
    """While entered, the first Ctrl-C only sets `seen`; a second one stops at once.

    A process that was started to ignore it, such as one in the background of a script, goes on.

    Args:
        answer: what the first one is answered with, on stderr.
    """

    def __init__(self, answer: str = "") -> None:
        self.seen = False
        self._answer = answer
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        # Only the main thread may; a training in another one is stopped by who started it.
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True
        if self._answer:  # by hand, since printing may be what was interrupted
            os.write(STDERR, f"\n{self._answer}\n".encode())
