"""Consumes events with redis-py's blocking client."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from ._settings import Options, Settings
from ._signals import stopping
from ._steps import Command, Delivery, log, steps
from .events import Event

if TYPE_CHECKING:
    from redis import Redis
    from typing_extensions import Unpack

__all__ = ["consume", "run"]


def consume(
    client: Redis, stream: str, *, group: str, **options: Unpack[Options]
) -> Iterator[Event]:
    """Yields a stream's events, each to one consumer of the group.

    An event is acknowledged when the next one is requested. If the body of the loop raises or
    breaks, its event stays pending, and is delivered again, to any consumer, after `claim_after`.
    After `max_deliveries` it is moved to the stream of failed events. The loop ends on SIGTERM and
    SIGINT, after its body. See `Options`.
    """
    for delivery in _deliveries(client, Settings(stream, group, **options)):
        yield delivery.event


def run(
    client: Redis,
    stream: str,
    handler: Callable[[Event], object],
    *,
    group: str,
    **options: Unpack[Options],
) -> None:
    """Calls `handler` with a stream's events, each in one consumer of the group, until stopped.

    An event is acknowledged when `handler` returns. If `handler` raises, the exception is logged,
    the next events follow, and the event is delivered again after `claim_after`. After
    `max_deliveries` it is moved to the stream of failed events with its traceback. See `Options`.
    """
    settings = Settings(stream, group, **options)
    for delivery in _deliveries(client, settings):
        try:
            handler(delivery.event)
        except Exception:
            delivery.error = failure(delivery, settings)


def failure(delivery: Delivery, settings: Settings) -> str:
    """Logs the current exception and returns its traceback."""
    event_id, number, most = delivery.event.event_id, delivery.number, settings.max_deliveries
    log.exception("handling %s failed (%d of %d times)", event_id, number, most)
    return traceback.format_exc()


def _deliveries(client: Redis, settings: Settings) -> Iterator[Delivery]:
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
                reply = _send(client, step)


def _send(client: Redis, command: Command) -> Any:
    execute: Any = client.execute_command
    try:
        return execute(*command.args, NEVER_DECODE=True, **command.options)
    except ResponseError as error:
        return error
