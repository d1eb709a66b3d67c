"""Clients of a Redis Cluster."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import redis.asyncio
from redis import RedisCluster

from bus import FAILED, KEY, Until, message
from toaster_events import MessageEvent, Reject, aio, consume

SOON = timedelta(milliseconds=40)


def fill(client: RedisCluster) -> None:
    client.flushall()
    for text in ("a", "bad", "odd"):
        client.xadd(KEY, {"data": json.dumps(message(text))})


class Handler:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, event: MessageEvent) -> None:
        self.seen.append(event.message.text)
        if event.message.text == "odd":
            raise Reject("odd")
        if self.seen.count("bad") == 1:
            raise RuntimeError("bad")


def test_the_blocking_client(cluster: int) -> None:
    with RedisCluster("127.0.0.1", cluster) as client:
        fill(client)
        handler = Handler()
        stop = Until(lambda: len(handler.seen) == 4)
        consume(client, "message", group="g", retry_after=SOON, stop=stop).run(handler)
        assert handler.seen == ["a", "bad", "odd", "bad"]
        assert client.xlen(FAILED) == 1


def test_the_asyncio_client(cluster: int) -> None:
    with RedisCluster("127.0.0.1", cluster) as client:
        fill(client)
    handler = Handler()

    async def handle(event: MessageEvent) -> None:
        handler(event)

    async def main() -> None:
        async with redis.asyncio.RedisCluster("127.0.0.1", cluster) as client:
            stop = Until(lambda: len(handler.seen) == 4)
            consumer = aio.consume(client, "message", group="g", retry_after=SOON, stop=stop)
            await consumer.run(handle)

    asyncio.run(main())
    assert handler.seen == ["a", "bad", "odd", "bad"]
