"""A Redis that goes away and comes back."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import ConnectionError

from bus import Until, pending, put
from clients import Asyncio, Blocking
from conftest import Server
from toaster_events import MessageEvent

KINDS = pytest.mark.parametrize("kind", [Blocking, Asyncio])


@KINDS
def test_it_is_waited_for(mortal: Server, kind: type[Blocking | Asyncio]) -> None:
    redis = Redis.from_url(mortal.url)
    put(redis, "a")
    seen: list[str] = []
    back = threading.Timer(0.5, mortal.start)

    def work(event: MessageEvent) -> None:
        if not seen:
            mortal.kill()
            back.start()
        seen.append(event.message.text)

    def is_over() -> bool:
        with suppress(ConnectionError):
            if seen == ["a"] and pending(redis) == 0:
                put(redis, "b")
        return len(seen) == 2

    try:
        kind(mortal.url).run(work, stop=Until(is_over))
    finally:
        back.join()
    assert seen == ["a", "b"]
    assert pending(redis) == 0, "also the first one, whose acknowledgement found no Redis"


@KINDS
def test_it_is_waited_for_no_longer_than_wanted(
    mortal: Server, kind: type[Blocking | Asyncio]
) -> None:
    mortal.kill()
    with pytest.raises(ConnectionError):
        kind(mortal.url).consume(print, patience=timedelta(seconds=0.2), stop=Until(lambda: False))


@KINDS
def test_a_stop_ends_the_waiting(mortal: Server, kind: type[Blocking | Asyncio]) -> None:
    mortal.kill()
    end = time.monotonic() + 0.5
    kind(mortal.url).consume(print, stop=Until(lambda: time.monotonic() > end))


@KINDS
def test_a_wrong_password_is_not_waited_for(
    redis: Redis, server: str, kind: type[Blocking | Asyncio]
) -> None:
    redis.acl_setuser("someone", enabled=True, passwords=["+right"])
    with pytest.raises(ConnectionError, match="invalid username"):
        kind(server, username="someone", password="wrong").consume(print, stop=Until(lambda: False))
    redis.acl_deluser("someone")
