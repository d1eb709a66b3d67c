"""What the blocking and the asyncio consumer have in common."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, Optional, TypeVar, Union

from ._core import Delivery
from ._settings import Options, Settings, StreamName
from .events import Event

C = TypeVar("C")
E = TypeVar("E", bound=Event)


class BaseConsumer(Generic[C, E]):
    """The constructor and the current event. The classes that inherit from this one have an overload of
    the constructor for each stream, because a type checker finds none in a generic base class."""

    def __init__(
        self, client: C, streams: Union[str, Sequence[str]], group: str, options: Options
    ) -> None:
        names: Any = (streams,) if isinstance(streams, str) else tuple(streams)
        self._client = client
        self._settings = Settings(names, group, **options)
        self._current: Optional[Delivery] = None

    def reject(self, reason: str) -> None:
        """Moves the current event of the loop to the stream of failed events, with this reason.

        A handler raises `Reject` instead.
        """
        if self._current is None:
            raise RuntimeError("there is no current event: reject() belongs into the loop's body")
        self._current.reject(reason)


class Lanes:
    """Keeps the order within each chat where several events are handled at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[int, deque[Delivery]] = {}

    def enter(self, delivery: Delivery) -> Optional[Delivery]:
        """Returns the event if it may be handled now; otherwise it waits for those before it."""
        with self._lock:
            waiting = self._busy.get(delivery.event.peer.bpid)
            if waiting is None:
                self._busy[delivery.event.peer.bpid] = deque()
                return delivery
            waiting.append(delivery)
            return None

    def leave(self, delivery: Delivery) -> Optional[Delivery]:
        """Returns the event that waited for this one, if any."""
        with self._lock:
            waiting = self._busy[delivery.event.peer.bpid]
            if waiting:
                return waiting.popleft()
            del self._busy[delivery.event.peer.bpid]
            return None
