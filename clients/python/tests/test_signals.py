"""Signal handlers, within one process."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bus import put
from toaster_events import CommandEvent, aio, consume
from toaster_events._signals import stopping


def is_stopped_in_a_thread() -> bool:
    """Whether a consumer that starts in another thread is stopped at once."""

    def start() -> bool:
        with stopping(None) as stopped:
            return stopped()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(start).result()


def test_signals_are_left_alone_in_the_end_and_in_threads() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping(None) as stopped:
        assert signal.getsignal(signal.SIGTERM) is not before
        assert not stopped()
    assert signal.getsignal(signal.SIGTERM) is before
    assert not is_stopped_in_a_thread()


def test_a_consumer_whose_thread_starts_after_the_signal_stops_too() -> None:
    with stopping(None) as stopped:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped()
    assert is_stopped_in_a_thread()


def test_an_interrupt_ends_all_workers(redis: Redis, server: str) -> None:
    put(redis, "a")
    consumer = consume(redis, "message", group="g", stop=threading.Event())
    with pytest.raises(KeyboardInterrupt):
        consumer.run(lambda _: os.kill(os.getpid(), signal.SIGINT), concurrency=2)


def test_one_signal_stops_all_consumers_of_the_process(redis: Redis, server: str) -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def kill(_: CommandEvent) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    async def others() -> None:
        async with AsyncRedis.from_url(server) as client:
            message = aio.consume(client, "message", group="g")
            command = aio.consume(client, "command", group="g")
            put(redis, "/stop", kind="command")
            await asyncio.gather(message.run(print), command.run(kill))

    in_thread = consume(redis, "button", group="g")
    thread = threading.Thread(target=in_thread.run, args=(print,), daemon=True)
    thread.start()
    asyncio.run(others())
    thread.join(10)
    assert not thread.is_alive()
    assert signal.getsignal(signal.SIGTERM) is before
    with stopping(None) as stopped:
        assert not stopped(), "the next consumer starts anew"
