"""The blocking and the asyncio client behind one face, so that each test is a test of both."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio
from typing_extensions import Unpack

import toaster_events
from toaster_events import Event, aio
from toaster_events._settings import Options

Handler = Callable[[Event], object]


class Blocking:
    def __init__(self, url: str, **connection: Any) -> None:
        self.connect = functools.partial(redis.Redis.from_url, url, **connection)

    def consume(self, body: Handler, **options: Unpack[Options]) -> None:
        """Runs `body` as the body of a loop over events."""
        with self.connect() as client:
            for event in toaster_events.consume(client, "message", group="g", **options):
                body(event)

    def run(self, handler: Handler, **options: Unpack[Options]) -> None:
        with self.connect() as client:
            toaster_events.run(client, "message", handler, group="g", **options)


class Asyncio:
    def __init__(self, url: str, **connection: Any) -> None:
        self.connect = functools.partial(redis.asyncio.Redis.from_url, url, **connection)

    def consume(self, body: Handler, **options: Unpack[Options]) -> None:
        async def main() -> None:
            async with self.connect() as client:
                async for event in aio.consume(client, "message", group="g", **options):
                    body(event)

        asyncio.run(main())

    def run(self, handler: Handler, **options: Unpack[Options]) -> None:
        async def handle(event: Event) -> None:
            handler(event)

        async def main() -> None:
            async with self.connect() as client:
                await aio.run(client, "message", handle, group="g", **options)

        asyncio.run(main())
