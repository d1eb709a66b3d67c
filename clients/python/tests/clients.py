"""The blocking and the asyncio client behind one face, so that each test is a test of both."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio

from toaster_events import Event, MessageEvent, Options, aio, consume
from toaster_events._settings import Unpack

Handler = Callable[[MessageEvent], object]


class Blocking:
    def __init__(self, url: str, **connection: Any) -> None:
        self.connect = functools.partial(redis.Redis.from_url, url, **connection)

    def consume(self, body: Handler, **options: Unpack[Options]) -> None:
        """Runs `body` as the body of a loop over events."""
        with self.connect() as client:
            for event in consume(client, "message", group="g", **options):
                body(event)

    def run(self, handler: Handler, concurrency: int = 1, **options: Unpack[Options]) -> None:
        with self.connect() as client:
            consumer = consume(client, "message", group="g", **options)
            consumer.run(handler, concurrency=concurrency)

    def reject(self, reason: str, **options: Unpack[Options]) -> None:
        """Rejects each event in the body of a loop."""
        with self.connect() as client:
            events = consume(client, "message", group="g", **options)
            for _ in events:
                events.reject(reason)

    def both(self, handler: Callable[[Event], object], **options: Unpack[Options]) -> None:
        """Handles two streams."""
        with self.connect() as client:
            consume(client, ["message", "command"], group="g", **options).run(handler)


class Asyncio:
    def __init__(self, url: str, **connection: Any) -> None:
        self.connect = functools.partial(redis.asyncio.Redis.from_url, url, **connection)

    def consume(self, body: Handler, **options: Unpack[Options]) -> None:
        async def main() -> None:
            async with self.connect() as client:
                async for event in aio.consume(client, "message", group="g", **options):
                    await asyncio.to_thread(body, event)

        asyncio.run(main())

    def run(self, handler: Handler, concurrency: int = 1, **options: Unpack[Options]) -> None:
        async def main() -> None:
            async with self.connect() as client:
                consumer = aio.consume(client, "message", group="g", **options)
                await consumer.run(in_thread(handler), concurrency=concurrency)

        asyncio.run(main())

    def reject(self, reason: str, **options: Unpack[Options]) -> None:
        async def main() -> None:
            async with self.connect() as client:
                events = aio.consume(client, "message", group="g", **options)
                async for _ in events:
                    events.reject(reason)

        asyncio.run(main())

    def both(self, handler: Callable[[Event], object], **options: Unpack[Options]) -> None:
        async def main() -> None:
            async with self.connect() as client:
                consumer = aio.consume(client, ["message", "command"], group="g", **options)
                await consumer.run(in_thread(handler))

        asyncio.run(main())


def in_thread(handler: Callable[[Any], object]) -> Callable[[Any], Any]:
    """The handlers of these tests block, and the event loop must not."""

    async def handle(event: Any) -> None:
        await asyncio.to_thread(handler, event)

    return handle
