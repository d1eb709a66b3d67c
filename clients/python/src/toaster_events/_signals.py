"""Stopping on SIGTERM and SIGINT."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional

from ._settings import Stop

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class _Signals:
    """Whether the process was asked to stop: one answer for all its consumers."""

    def __init__(self) -> None:
        self._asked = False
        self._lock = threading.Lock()
        self._consumers = 0
        self._in_main_thread = 0
        self._before: dict[int, Any] = {}

    def asked(self) -> bool:
        return self._asked

    def enter(self, is_main: bool) -> None:
        with self._lock:
            # Not when the last one leaves: one whose thread only starts then has to stop too.
            if is_main and self._consumers == 0:
                self._asked = False
            self._consumers += 1
        if is_main:
            self._in_main_thread += 1
            if self._in_main_thread == 1:
                self._before = {number: signal.signal(number, self._ask) for number in _NUMBERS}

    def leave(self, is_main: bool) -> None:
        if is_main:
            self._in_main_thread -= 1
            if self._in_main_thread == 0:
                self._restore()
        with self._lock:
            self._consumers -= 1

    def _ask(self, *_: object) -> None:
        self._asked = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._ask:
                signal.signal(number, handler)


_signals = _Signals()


@contextmanager
def stopping(stop: Optional[Stop]) -> Iterator[Callable[[], bool]]:
    """Yields a function that returns whether to stop: whether `stop` is set, or by default whether
    the process received a signal.

    The first signal restores the previous handlers, so that a second one takes effect at once.
    """
    if stop is not None:
        yield stop.is_set
        return
    is_main = threading.current_thread() is threading.main_thread()
    _signals.enter(is_main)
    try:
        yield _signals.asked
    finally:
        _signals.leave(is_main)
