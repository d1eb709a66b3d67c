"""The logic of a consumer without I/O, shared by the blocking and the asyncio client.

`steps` is a generator of commands, whose replies are sent back to it, and of deliveries to handle.

Events are read one at a time, and acknowledged before the next is read. Until then an event is
pending. Any consumer claims an event that has been pending for `claim_after`; Redis counts its
deliveries.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Union

from redis.exceptions import ResponseError

from ._settings import Settings
from .events import Event, NotAnEvent

log = logging.getLogger("toaster_events")

Fields = dict[bytes, bytes]

# Atomic, unlike a transaction, which would acknowledge even if XADD failed.
PUT_ASIDE = """
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
"""


@dataclass(frozen=True)
class Command:
    """A command for Redis. Its reply is not decoded, whatever the client's settings. An error of
    Redis is sent back like any other reply."""

    args: tuple[Union[str, bytes, int], ...]
    options: dict[str, Any] = field(default_factory=dict)
    """Options of redis-py for parsing the reply."""


@dataclass
class Delivery:
    """An event to handle. The caller sets `error` if that fails."""

    event: Event
    number: int
    """The number of deliveries of this event, including this one."""
    error: str | None = None


Steps = Generator[Union[Command, Delivery], Any, None]
Call = Generator[Union[Command, Delivery], Any, Any]


def steps(settings: Settings, stopped: Callable[[], bool]) -> Steps:
    """All steps of a consumer, until it is stopped."""
    yield from _create_group(settings)
    claim_at = time.monotonic()
    while not stopped():
        try:
            if time.monotonic() >= claim_at:
                yield from _claim(settings, stopped)
                claim_at = time.monotonic() + settings.claim_after.total_seconds() / 4
            else:
                yield from _read(settings)
        except ResponseError as error:
            # The stream was deleted, or Redis lost it.
            if not str(error).startswith("NOGROUP"):
                raise
            yield from _create_group(settings)


def _create_group(settings: Settings) -> Call:
    """Creates the group at the start of the stream, so that it gets events older than itself."""
    try:
        yield from _call("XGROUP", "CREATE", settings.key, settings.group, "0", "MKSTREAM")
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def _read(settings: Settings) -> Call:
    reply = yield from _call(
        *("XREADGROUP", "GROUP", settings.group, settings.consumer, "COUNT", 1),
        *("BLOCK", _millis(min(settings.block, settings.claim_after / 4))),
        *("STREAMS", settings.key, ">"),
    )
    for entry, fields in _entries(reply):
        yield from _deliver(settings, entry, fields, 1)


def _claim(settings: Settings, stopped: Callable[[], bool]) -> Call:
    """Claims and delivers events pending for too long, oldest first."""
    cursor = b"0-0"
    while not stopped():
        cursor, entries, *_ = yield from _call(
            *("XAUTOCLAIM", settings.key, settings.group, settings.consumer),
            *(_millis(settings.claim_after), cursor, "COUNT", 1),
        )
        for entry, fields in entries:
            if entry is None:
                continue  # Trimmed while it was pending.
            pending = yield from _call(
                "XPENDING", settings.key, settings.group, entry, entry, 1, parse_detail=True
            )
            # Empty if its former consumer has just acknowledged it.
            for state in pending:
                yield from _deliver(settings, entry, fields, state["times_delivered"])
        if cursor == b"0-0":
            return


def _deliver(settings: Settings, entry: bytes, fields: Fields, number: int) -> Call:
    try:
        event = Event.from_json(fields.get(b"data", b""))
    except NotAnEvent as error:
        yield from _put_aside(settings, entry, fields, number, f"not an event: {error}")
        return
    if number > settings.max_deliveries:
        reason = f"delivered {number - 1} times and never acknowledged"
        yield from _put_aside(settings, entry, fields, number - 1, reason)
        return
    delivery = Delivery(event, number)
    yield delivery
    if delivery.error is None:
        yield from _call("XACK", settings.key, settings.group, entry)
    elif number >= settings.max_deliveries:
        yield from _put_aside(settings, entry, fields, number, delivery.error)


def _put_aside(
    settings: Settings, entry: bytes, fields: Fields, number: int, error: str
) -> Call:
    """Moves an entry to the stream of failed events, with the reason."""
    log.error("putting %s aside in %s: %s", entry.decode(), settings.failed, error)
    yield from _call(
        *("EVAL", PUT_ASIDE, 2, settings.key, settings.failed, settings.group, entry),
        *("entry", entry, "group", settings.group, "deliveries", number),
        *("error", error.encode(errors="backslashreplace")),
        *(part for field in fields.items() for part in field),
    )


def _call(*args: Union[str, bytes, int], **options: Any) -> Call:
    reply = yield Command(args, options)
    if isinstance(reply, ResponseError):
        raise reply
    return reply


def _entries(reply: Any) -> list[tuple[bytes, Fields]]:
    """The entries in XREADGROUP's reply for one stream. Its shape depends on redis-py's version."""
    if not reply:
        return []
    entries = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    while entries and isinstance(entries[0], list):
        entries = entries[0]
    return list(entries)


def _millis(time: timedelta) -> int:
    return max(1, time // timedelta(milliseconds=1))
