"""A bus in memory, to test handlers without Redis."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Optional

from ._core import PUT_ASIDE, Fields
from .events import CommandEvent, Event, Message, MessageEvent, Peer, User, parse_event

USER = User(1, "Ada Lovelace", "Ada", "Lovelace", "ada")
CHAT = Peer(2_000_000_001, 1, "Chat")


def message(
    text: str = "", *, user: User = USER, peer: Peer = CHAT, **parts: Any
) -> MessageEvent:
    """A message, with these parts of `Message`."""
    return MessageEvent("0" * 40, user, peer, _message(text, parts))


def command(text: str, *, user: User = USER, peer: Peer = CHAT, **parts: Any) -> CommandEvent:
    """A command, with these parts of `Message`."""
    return CommandEvent("0" * 40, user, peer, _message(text, parts))


def _message(text: str, parts: dict[str, Any]) -> Message:
    return Message(
        **{"cmid": 1, "text": text, "reply": None, "forward": [], "attachments": [], **parts}
    )


@dataclass
class _Pending:
    fields: Fields
    deliveries: int = 1
    is_due: bool = False


class _Broker:
    def __init__(self, *events: Event, namespace: str = "toaster") -> None:
        self.handled: list[Event] = []
        """The events that were acknowledged."""
        self.failed: list[tuple[Event, str]] = []
        """The events that were moved to the stream of failed events, and why."""
        self._namespace = namespace
        self._new: dict[bytes, list[tuple[bytes, Fields]]] = {}
        self._pending: dict[bytes, dict[bytes, _Pending]] = {}
        self._entries = 0
        self.put(*events)

    def put(self, *events: Event) -> None:
        """Adds events to their streams."""
        for event in events:
            self._entries += 1
            key = f"{{{self._namespace}}}:{event.event_type}".encode()
            data = json.dumps(event.as_dict()).encode()
            self._new.setdefault(key, []).append((b"%d-0" % self._entries, {b"data": data}))

    def is_set(self) -> bool:
        """Whether everything on the consumer's streams was handled."""
        return bool(self._pending) and not any(
            held or self._new.get(key) for key, held in self._pending.items()
        )

    def _answer(self, name: str, *args: Any) -> Any:
        if name == "XGROUP":
            return self._pending.setdefault(args[1], {}) and None
        if name == "XREADGROUP":
            keys = args[args.index("STREAMS") + 1 :]
            return self._read(keys[: len(keys) // 2])
        if name == "XAUTOCLAIM":
            return [b"0-0", self._claim(args[0]), []]
        if name == "XPENDING":
            return [{"times_delivered": self._pending[args[0]][args[2]].deliveries}]
        if name == "XACK":
            self.handled.append(self._take(args[0], args[2]))
        elif args[0] == PUT_ASIDE:
            self.failed.append((self._take(args[2], args[6]), args[10].decode()))
        else:
            for entry, deliveries in zip(args[6::2], args[7::2]):
                held = self._pending[args[2]][entry]
                held.deliveries, held.is_due = deliveries, args[5] > 0
        return None

    def _read(self, keys: tuple[bytes, ...]) -> Optional[list[Any]]:
        for key in filter(self._new.get, keys):
            entry, fields = self._new[key].pop(0)
            self._pending[key][entry] = _Pending(fields)
            return [[key, [(entry, fields)]]]
        return None

    def _claim(self, key: bytes) -> list[tuple[bytes, Fields]]:
        for entry, held in self._pending[key].items():
            if held.is_due:
                held.is_due, held.deliveries = False, held.deliveries + 1
                return [(entry, held.fields)]
        return []

    def _take(self, key: bytes, entry: bytes) -> Event:
        return parse_event(self._pending[key].pop(entry).fields[b"data"])


class TestBroker(_Broker):
    """Plays Redis for one consumer. Pass it for the client, and for `stop`: it stops the consumer when
    everything is handled. Failed events are due as soon as the consumer looks for them, which it does
    at intervals of a fourth of `retry_after`."""

    __test__ = False

    def execute_command(self, *args: Any, **_: Any) -> Any:
        """Answers a command of the consumer."""
        reply = self._answer(*args)
        if reply is None:
            time.sleep(0.001)
        return reply


class AsyncTestBroker(_Broker):
    """Like `TestBroker`, for `toaster_events.aio`."""

    async def execute_command(self, *args: Any, **_: Any) -> Any:
        """Answers a command of the consumer."""
        reply = self._answer(*args)
        await asyncio.sleep(0 if reply else 0.001)
        return reply
