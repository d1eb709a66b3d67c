"""The options of a consumer."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Optional, Protocol, TypedDict, get_args

from .events import Event

if sys.version_info >= (3, 11):
    from typing import Unpack as Unpack
else:
    from typing_extensions import Unpack as Unpack

StreamName = Literal["message", "command", "button", "reaction"]

Result = Literal["handled", "failed", "rejected"]


class Stop(Protocol):
    """A flag that stops the consumer: a `threading.Event` or an `asyncio.Event`."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Handling:
    """How an event was handled, for metrics."""

    event: Event
    result: Result
    """`failed` if the handler raised, also if the event is moved to the stream of failed events."""
    seconds: float
    """How long the handler ran."""
    delivery: int
    """1 for the first attempt to handle the event, 2 for the second, and so on."""


class Options(TypedDict, total=False):
    """The options of `consume`."""

    consumer: str
    """This consumer's name within the group; host and process id by default. It must be unique among
    the running consumers."""
    namespace: str
    """The fetcher's `bus.namespace`; `toaster` by default."""
    names: Mapping[StreamName, str]
    """The streams that the fetcher's `bus.streams` renames."""
    claim_after: timedelta
    """How long a consumer may be silent before another one claims its events; a minute by default. A
    consumer reports four times as often that it is still handling its events."""
    max_deliveries: int
    """How often an event is delivered before it is moved to the stream of failed events; 5 by default."""
    retry_after: timedelta
    """The pause before a failed event is delivered again; 10 seconds by default. It doubles with each
    attempt, up to `claim_after`."""
    patience: Optional[timedelta]
    """How long to wait for a Redis that cannot be reached before its error is raised; 5 minutes by
    default, None for ever."""
    block: timedelta
    """How long to wait for an event before checking `stop`; a second by default. Must be shorter than
    the client's `socket_timeout`."""
    stop: Stop
    """Stops the consumer when set. By default SIGTERM and SIGINT stop all consumers of the process; one
    of them must run in the main thread, where Python receives signals."""
    observe: Callable[[Handling], object]
    """Called after each event was handled, for metrics."""


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class Settings:
    """The streams, the group, and the options with their defaults."""

    streams: Sequence[StreamName]
    group: str
    consumer: str = field(default_factory=_own_name)
    namespace: str = "toaster"
    names: Mapping[StreamName, str] = field(default_factory=dict)
    claim_after: timedelta = timedelta(minutes=1)
    max_deliveries: int = 5
    retry_after: timedelta = timedelta(seconds=10)
    patience: Optional[timedelta] = timedelta(minutes=5)
    block: timedelta = timedelta(seconds=1)
    stop: Optional[Stop] = None
    observe: Optional[Callable[[Handling], object]] = None

    def __post_init__(self) -> None:
        known = get_args(StreamName)
        if not self.streams:
            raise ValueError(f"no stream: name at least one of {', '.join(known)}")
        for name in (*self.streams, *self.names):
            if name not in known:
                raise ValueError(f"no stream is named {name!r}: use {', '.join(known)}")
        for option in ("claim_after", "retry_after", "block", "patience"):
            time = getattr(self, option)
            if time is None and option == "patience":
                continue
            if not isinstance(time, timedelta):
                raise TypeError(f"{option} is a timedelta, such as timedelta(seconds=30), not {time!r}")
            if time <= timedelta(0):
                raise ValueError(f"{option} has to be longer than nothing, not {time}")
        if self.max_deliveries < 1:
            raise ValueError(f"max_deliveries is at least 1, not {self.max_deliveries}")

    @property
    def keys(self) -> dict[bytes, StreamName]:
        """The streams by their keys in Redis."""
        return {
            f"{{{self.namespace}}}:{self.names.get(name, name)}".encode(): name
            for name in self.streams
        }

    @property
    def scan_every(self) -> timedelta:
        """The time between two searches for events that are due again."""
        return min(self.claim_after, self.retry_after) / 4

    def retry_in(self, failures: int) -> timedelta:
        """The pause before the next attempt after so many failures."""
        seconds = self.retry_after.total_seconds() * 2.0 ** min(failures - 1, 60)
        return timedelta(seconds=min(seconds, self.claim_after.total_seconds()))
