"""The options of a consumer."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypedDict


class Stop(Protocol):
    """A flag that stops the consumer: a `threading.Event` or an `asyncio.Event`."""

    def is_set(self) -> bool: ...


class Options(TypedDict, total=False):
    """The options of `consume` and `run`."""

    consumer: str
    """This consumer's name within the group; host and process id by default. It must be unique among
    the running consumers."""
    namespace: str
    """The fetcher's `bus.namespace`; `toaster` by default."""
    claim_after: timedelta
    """How long an event may be pending before another consumer claims it; must be longer than the
    slowest handling. A minute by default. A failed event is retried after this time."""
    max_deliveries: int
    """How often an event is delivered before it is moved to the stream of failed events; 5 by default."""
    block: timedelta
    """How long to wait for an event before checking `stop`; a second by default. Must be shorter than
    the client's `socket_timeout`."""
    stop: Stop
    """Stops the consumer when set. By default SIGTERM and SIGINT stop it, in the main thread only:
    Python receives signals there."""


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class Settings:
    """The stream, the group, and the options with their defaults."""

    stream: str
    group: str
    consumer: str = field(default_factory=_own_name)
    namespace: str = "toaster"
    claim_after: timedelta = timedelta(minutes=1)
    max_deliveries: int = 5
    block: timedelta = timedelta(seconds=1)
    stop: Stop | None = None

    def __post_init__(self) -> None:
        for name in ("claim_after", "block"):
            time = getattr(self, name)
            if not isinstance(time, timedelta):
                raise TypeError(f"{name} is a timedelta, such as timedelta(seconds=30), not {time!r}")
            if time <= timedelta(0):
                raise ValueError(f"{name} has to be longer than nothing, not {time}")
        if self.max_deliveries < 1:
            raise ValueError(f"max_deliveries is at least 1, not {self.max_deliveries}")

    @property
    def key(self) -> str:
        """The stream's key in Redis."""
        return f"{{{self.namespace}}}:{self.stream}"

    @property
    def failed(self) -> str:
        """The key of the stream of failed events."""
        return f"{self.key}:failed"
