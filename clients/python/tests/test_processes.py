"""Consumers as processes: killed in the middle of their work, and stopped as asked."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from bus import Until, pending, put

HERE = Path(__file__).parent
BOTH = pytest.mark.parametrize("kind", ["blocking", "asyncio"])


@contextmanager
def worker(url: str, kind: str, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, HERE / "worker.py", url, kind, str(seconds)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def texts(redis: Redis, key: str) -> list[bytes]:
    found: list[bytes] = redis.lrange(key, 0, -1)  # type: ignore[assignment, unused-ignore]
    return found


@BOTH
def test_what_a_killed_consumer_left_is_handled_by_another(
    redis: Redis, server: str, kind: str
) -> None:
    put(redis, "a", "b", "c")
    with worker(server, kind, seconds=60) as killed:
        Until(lambda: texts(redis, "started") == [b"a"]).wait()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    with worker(server, kind, seconds=0):
        Until(lambda: len(texts(redis, "done")) == 3 and pending(redis) == 0).wait()
    assert sorted(texts(redis, "done")) == [b"a", b"b", b"c"]


@BOTH
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_work_at_hand_be_done(
    redis: Redis, server: str, kind: str, number: signal.Signals
) -> None:
    put(redis, "a", "b")
    with worker(server, kind, seconds=0.5) as stopped:
        Until(lambda: texts(redis, "started") == [b"a"]).wait()
        stopped.send_signal(number)
        assert stopped.wait(5) == 0
    assert texts(redis, "done") == [b"a", b"stopped"]
    assert pending(redis) == 0


@BOTH
def test_a_signal_ends_the_waiting_for_events(redis: Redis, server: str, kind: str) -> None:
    put(redis, "a")
    with worker(server, kind, seconds=0) as stopped:
        Until(lambda: texts(redis, "done") == [b"a"]).wait()
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(5) == 0


@BOTH
def test_a_second_signal_does_not_wait(redis: Redis, server: str, kind: str) -> None:
    put(redis, "a")
    with worker(server, kind, seconds=60) as stopped:
        Until(lambda: texts(redis, "started") == [b"a"]).wait()
        stopped.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(5) == -signal.SIGTERM
    assert pending(redis) == 1


def test_the_example_service_answers_and_stops(redis: Redis, server: str) -> None:
    put(redis, "Hi!", "Bye!")
    example = subprocess.Popen(
        [sys.executable, HERE.parent / "examples" / "message_handler.py"],
        env={"REDIS_URL": server},
        stderr=subprocess.PIPE,
        text=True,
    )
    Until(lambda: bool(redis.exists("{toaster}:message")) and done(redis)).wait()
    example.send_signal(signal.SIGTERM)
    _, log = example.communicate(timeout=5)
    assert example.returncode == 0, log
    assert "message-handler: to 2000000002, about 3895: Hello, Руслан!" in log
    assert log.count("Hello") == 1
    assert "message-handler: stopped" in log


def done(redis: Redis) -> bool:
    """Whether the example has read all and acknowledged it."""
    groups: list[dict[str, int]] = redis.xinfo_groups("{toaster}:message")  # type: ignore[assignment, unused-ignore]
    return [(it["entries-read"], it["pending"]) for it in groups] == [(2, 0)]
