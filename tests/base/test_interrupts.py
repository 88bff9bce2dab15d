"""Ctrl-C is noted, obeyed the second time, and left alone where it was to be ignored."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from difface_cli.base.interrupts import Interrupts

pytestmark = pytest.mark.usefixtures("interruptible")


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_noted_and_the_second_obeyed(capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupts("one moment") as interrupts:
        assert not interrupts.seen
        ctrl_c()
        assert interrupts.seen
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
    assert capfd.readouterr().err == "\none moment\n"
    with pytest.raises(KeyboardInterrupt):  # as before
        ctrl_c()


@pytest.fixture
def ignored(interruptible: None) -> Iterator[None]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.usefixtures("ignored")
def test_a_process_in_the_background_goes_on() -> None:
    with Interrupts() as interrupts:
        ctrl_c()
    assert not interrupts.seen


def test_another_thread_leaves_the_signal_to_the_first() -> None:
    seen: list[object] = []

    def work() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
