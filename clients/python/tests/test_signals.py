"""Signal handlers, within one process."""

from __future__ import annotations

import signal
import threading

from toaster_events._signals import stopping


def test_signals_are_left_alone_in_the_end_and_in_threads() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping(None) as stopped:
        assert signal.getsignal(signal.SIGTERM) is not before
        assert not stopped()
    assert signal.getsignal(signal.SIGTERM) is before
    seen: list[bool] = []

    def elsewhere() -> None:
        with stopping(None) as stopped:
            seen.append(stopped())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [False]
