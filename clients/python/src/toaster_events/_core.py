"""The logic of a consumer without I/O, shared by the blocking and the asyncio client.

Its methods are generators of `Command`s and `Pause`s, whose results are sent back to them.

Events are read one at a time and per worker. Until its event is acknowledged, an entry is pending in
Redis under the consumer's name, and `renew` resets its idle time. Any consumer claims an entry that has
been idle for `claim_after`: its consumer is dead, or has set the idle time so that a retry is due.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Optional, TypeVar, Union

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ConnectionError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

from ._settings import Handling, Result, Settings, StreamName
from .events import Event, NotAnEvent, parse_event

log = logging.getLogger("toaster_events")

Fields = dict[bytes, bytes]

# Both scripts act only on entries that are pending under this consumer's name: another one may have
# claimed them. PUT_ASIDE is atomic, unlike a transaction, which would acknowledge even if XADD failed.
PUT_ASIDE = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'entry', ARGV[3], 'group', ARGV[1], unpack(ARGV, 4))
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
"""
SET_IDLE = """
local group, consumer, idle = ARGV[1], ARGV[2], ARGV[3]
for i = 4, #ARGV, 2 do
    local entry, deliveries = ARGV[i], ARGV[i + 1]
    if #redis.call('XPENDING', KEYS[1], group, entry, entry, 1, consumer) > 0 then
        redis.call('XCLAIM', KEYS[1], group, consumer, 0, entry,
            'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
    end
end
"""

_LOST = (
    ConnectionError,
    TimeoutError,
    ReadOnlyError,
    ClusterDownError,
    TryAgainError,
    RedisClusterException,
)
# How many events may wait for others of their chat.
_MOST_HELD = 100

ERRORS = (RedisError, RedisClusterException)
"""The errors that are sent back like a reply."""


class Reject(Exception):
    """Raised by a handler to move its event to the stream of failed events at once, with this reason."""


@dataclass(frozen=True)
class Command:
    """A command for Redis. Its reply is not decoded, whatever the client's settings."""

    args: tuple[Union[str, bytes, int], ...]
    options: dict[str, Any] = field(default_factory=dict)
    """Options of redis-py for parsing the reply."""


@dataclass(frozen=True)
class Pause:
    """Nothing to do for so many seconds."""

    seconds: float


@dataclass
class Delivery:
    """An event to handle, and its result."""

    key: bytes
    entry: bytes
    fields: Fields
    event: Event
    number: int
    """The number of deliveries of this event, including this one."""
    started: float = 0
    error: Optional[str] = None
    result: Result = "handled"

    def start(self) -> Event:
        """The handler starts."""
        self.started = time.monotonic()
        return self.event

    def fail(self, error: Exception, most: int) -> None:
        """The handler raised `error`, which is the current exception."""
        if isinstance(error, Reject):
            self.reject(str(error))
            return
        self.result = "failed"
        log.exception(
            "handling %s failed (%d of %d times)", self.event.event_id, self.number, most
        )
        self.error = traceback.format_exc()

    def reject(self, reason: str) -> None:
        """The event will never be handled."""
        self.result, self.error = "rejected", reason


_T = TypeVar("_T")
Call = Generator[Union[Command, Pause], Any, _T]


class Core:
    """A consumer: which commands to send, and what their replies mean."""

    def __init__(self, settings: Settings, stopped: Callable[[], bool]) -> None:
        self.settings = settings
        self.ended = False
        """Set when the consumer failed or its loop was left: ends all that it does."""
        self.renew_every = settings.claim_after.total_seconds() / 4
        self._stopped = stopped
        self._keys = settings.keys
        self._has_groups = False
        self._held: dict[tuple[bytes, bytes], Delivery] = {}
        self._read: deque[Delivery] = deque()
        self._to_scan: list[tuple[bytes, bytes]] = []
        self._scan_at = time.monotonic()

    def stopped(self) -> bool:
        """Whether to stop after the current events."""
        return self.ended or self._stopped()

    def next(self) -> Call[Optional[Delivery]]:
        """The next event to handle; None when the consumer is stopped."""
        while not self.stopped():
            if self._read:
                return self._read.popleft()
            if len(self._held) >= _MOST_HELD:
                yield Pause(0.05)
                continue
            try:
                if not self._has_groups:
                    yield from self._create_groups()
                elif self._to_scan:
                    yield from self._claim()
                elif time.monotonic() >= self._scan_at:
                    self._to_scan = [(key, b"0-0") for key in self._keys]
                else:
                    yield from self._read_new()
            except ResponseError as error:
                # The stream was deleted, or Redis lost it.
                if not str(error).startswith("NOGROUP"):
                    raise
                self._has_groups = False
            except _LOST:
                if not self.stopped():
                    raise
        while self._read:
            yield from self.give_back(self._read.popleft())
        return None

    def finish(self, delivery: Delivery) -> Call[None]:
        """Acknowledges an event, or moves it aside, or schedules its retry."""
        settings, seconds = self.settings, time.monotonic() - delivery.started
        if delivery.result == "failed" and delivery.number < settings.max_deliveries:
            idle = settings.claim_after - settings.retry_in(delivery.number)
            yield from self._release(delivery, idle, delivery.number)
        else:
            if delivery.result == "handled":
                yield from self._call("XACK", delivery.key, settings.group, delivery.entry)
            else:
                yield from self._put_aside(delivery, delivery.error or "")
            self._held.pop((delivery.key, delivery.entry), None)
        if settings.observe:
            settings.observe(
                Handling(delivery.event, delivery.result, seconds, delivery.number)
            )

    def give_back(self, delivery: Delivery) -> Call[None]:
        """Leaves an event that was not handled to any consumer."""
        yield from self._release(delivery, self.settings.claim_after, delivery.number - 1)

    def renew(self) -> Call[None]:
        """Keeps other consumers from claiming the events of this one."""
        held = list(self._held.values())
        for key in self._keys:
            mine = [(it.entry, it.number) for it in held if it.key == key]
            if mine:
                yield from self._set_idle(key, timedelta(0), *mine)

    def warn_of_claims(self, error: Exception) -> None:
        """`renew` failed."""
        log.error("other consumers may claim events that are being handled here: %s", error)

    def _create_groups(self) -> Call[None]:
        """Creates the groups at the start of the streams, so that they get events older than themselves."""
        for key in self._keys:
            try:
                yield from self._call("XGROUP", "CREATE", key, self.settings.group, "0", "MKSTREAM")
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
        self._has_groups = True

    def _read_new(self) -> Call[None]:
        settings = self.settings
        reply = yield from self._call(
            *("XREADGROUP", "GROUP", settings.group, settings.consumer, "COUNT", 1),
            *("BLOCK", _millis(min(settings.block, settings.scan_every)), "STREAMS"),
            *self._keys,
            *(">" for _ in self._keys),
        )
        for key, entries in _entries(reply):
            for entry, fields in entries:
                yield from self._accept(key, entry, fields, 1)

    def _claim(self) -> Call[None]:
        """Claims one event that is due again, oldest first."""
        key, cursor = self._to_scan.pop(0)
        settings = self.settings
        cursor, entries, *_ = yield from self._call(
            *("XAUTOCLAIM", key, settings.group, settings.consumer),
            *(_millis(settings.claim_after), cursor, "COUNT", 1),
        )
        if cursor != b"0-0":
            self._to_scan.insert(0, (key, cursor))
        self._scan_at = time.monotonic() + settings.scan_every.total_seconds()
        for entry, fields in entries:
            # Redis 6 returns entries that were trimmed while they were pending. An event of its own a
            # consumer claims if it could not reach Redis for long.
            if entry is None or (key, entry) in self._held:
                continue
            pending = yield from self._call(
                "XPENDING", key, settings.group, entry, entry, 1, parse_detail=True
            )
            # Empty if its former consumer has just acknowledged it.
            for state in pending:
                yield from self._accept(key, entry, fields, state["times_delivered"])

    def _accept(self, key: bytes, entry: bytes, fields: Fields, number: int) -> Call[None]:
        try:
            event = _event(self._keys[key], fields)
        except NotAnEvent as error:
            yield from self._put_entry_aside(key, entry, fields, number, f"not an event: {error}")
            return
        if number > self.settings.max_deliveries:
            reason = f"delivered {number - 1} times and never acknowledged"
            yield from self._put_entry_aside(key, entry, fields, number - 1, reason)
            return
        delivery = Delivery(key, entry, fields, event, number)
        self._held[key, entry] = delivery
        self._read.append(delivery)

    def _put_aside(self, it: Delivery, error: str) -> Call[None]:
        yield from self._put_entry_aside(it.key, it.entry, it.fields, it.number, error)

    def _put_entry_aside(
        self, key: bytes, entry: bytes, fields: Fields, number: int, error: str
    ) -> Call[None]:
        """Moves an entry to the stream of failed events, with the reason."""
        failed, settings = key + b":failed", self.settings
        log.error("moving %s to %s: %s", entry.decode(), failed.decode(), error)
        yield from self._call(
            *("EVAL", PUT_ASIDE, 2, key, failed, settings.group, settings.consumer, entry),
            *("deliveries", number, "error", error.encode(errors="backslashreplace")),
            *(part for field in fields.items() for part in field),
        )

    def _release(self, it: Delivery, idle: timedelta, number: int) -> Call[None]:
        """Leaves an event pending, to be claimed when it has been idle for `claim_after`."""
        # First, because another worker of this consumer may claim it at once.
        self._held.pop((it.key, it.entry), None)
        yield from self._set_idle(it.key, idle, (it.entry, number))

    def _set_idle(self, key: bytes, idle: timedelta, *entries: tuple[bytes, int]) -> Call[None]:
        settings = self.settings
        yield from self._call(
            *("EVAL", SET_IDLE, 1, key, settings.group, settings.consumer, idle // _MILLI),
            *(part for pair in entries for part in pair),
        )

    def _call(self, *args: Union[str, bytes, int], **options: Any) -> Call[Any]:
        """Sends a command, again and again while Redis cannot be reached."""
        patience = self.settings.patience
        lost_at, pause = None, 0.1
        while True:
            reply = yield Command(args, options)
            if not isinstance(reply, ERRORS):
                break
            if not _is_lost(reply):
                raise reply
            if lost_at is None:
                lost_at = time.monotonic()
                log.warning("waiting for Redis, which cannot be reached: %s", reply)
            waited = timedelta(seconds=time.monotonic() - lost_at)
            if self.stopped() or (patience is not None and waited >= patience):
                raise reply
            yield Pause(pause)
            pause = min(pause * 2, 1)
        if lost_at is not None:
            log.warning("Redis can be reached again, after %.1f s", time.monotonic() - lost_at)
            # The others first renew what they hold.
            self._scan_at = time.monotonic() + self.settings.claim_after.total_seconds() / 2
        return reply


def _is_lost(error: Exception) -> bool:
    """Whether the command may succeed later. redis-py says only in the cause that a password is wrong."""
    return isinstance(error, _LOST) and not any(
        isinstance(it, (AuthenticationError, AuthorizationError)) for it in (error, error.__cause__)
    )


def _event(stream: StreamName, fields: Fields) -> Event:
    event = parse_event(fields.get(b"data", b""))
    if event.event_type != stream:
        raise NotAnEvent(f"of type {event.event_type}, on the stream of type {stream}")
    return event


def _entries(reply: Any) -> list[tuple[bytes, list[tuple[bytes, Fields]]]]:
    """The entries in XREADGROUP's reply, by stream. Its shape depends on redis-py's version."""
    streams = []
    for key, entries in reply.items() if isinstance(reply, dict) else reply or []:
        while entries and isinstance(entries[0], list):
            entries = entries[0]
        streams.append((key, entries))
    return streams


_MILLI = timedelta(milliseconds=1)


def _millis(time: timedelta) -> int:
    return max(1, time // _MILLI)
