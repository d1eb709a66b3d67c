"""Stopping on SIGTERM and SIGINT."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._settings import Stop


@contextmanager
def stopping(stop: Stop | None) -> Iterator[Callable[[], bool]]:
    """Yields a function that returns whether to stop: whether `stop` is set, or by default whether
    a signal was received.

    The first signal restores the previous handlers, so that a second one takes effect at once.
    """
    if stop is not None:
        yield stop.is_set
        return
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(*_: object) -> None:
        asked.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is ask:
                signal.signal(number, handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked.is_set
    finally:
        restore()
