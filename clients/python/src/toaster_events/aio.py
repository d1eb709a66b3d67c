"""Consumes events with redis-py's asyncio client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from ._settings import Options, Settings
from ._signals import stopping
from ._steps import Command, Delivery, steps
from .consumer import failure
from .events import Event

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from typing_extensions import Unpack

__all__ = ["consume", "run"]


async def consume(
    client: Redis, stream: str, *, group: str, **options: Unpack[Options]
) -> AsyncIterator[Event]:
    """Like `toaster_events.consume`."""
    async for delivery in _deliveries(client, Settings(stream, group, **options)):
        yield delivery.event


async def run(
    client: Redis,
    stream: str,
    handler: Callable[[Event], Awaitable[object]],
    *,
    group: str,
    **options: Unpack[Options],
) -> None:
    """Like `toaster_events.run`. The event of a cancelled handler stays pending."""
    settings = Settings(stream, group, **options)
    async for delivery in _deliveries(client, settings):
        try:
            await handler(delivery.event)
        except Exception:
            delivery.error = failure(delivery, settings)


async def _deliveries(client: Redis, settings: Settings) -> AsyncIterator[Delivery]:
    with stopping(settings.stop) as stopped:
        todo = steps(settings, stopped)
        reply: Any = None
        while True:
            try:
                step = todo.send(reply)
            except StopIteration:
                return
            if isinstance(step, Delivery):
                yield step
                reply = None
            else:
                reply = await _send(client, step)


async def _send(client: Redis, command: Command) -> Any:
    execute: Any = client.execute_command
    try:
        return await execute(*command.args, NEVER_DECODE=True, **command.options)
    except ResponseError as error:
        return error
