"""The event classes of the predecessor's time, as far as a handler sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, List, NamedTuple, Optional


class Peer(NamedTuple):
    bpid: int
    cid: int
    name: str


class User(NamedTuple):
    uuid: int
    name: str
    firstname: str
    lastname: str
    nick: str


class Reply(NamedTuple):
    uuid: int
    cmid: int
    text: str


class Message(NamedTuple):
    cmid: int
    text: str
    reply: Optional[Reply]
    forward: List[Reply]
    attachments: List[str]


class Button(NamedTuple):
    cmid: int
    beid: str
    payload: dict


class Reaction(NamedTuple):
    cmid: int
    rid: int


class Base(ABC):
    event_id: str = None
    event_type: str = None

    @abstractmethod
    def __str__(self) -> str: ...

    def as_dict(self) -> dict[str, Any]:
        """Only the outermost tuples become dictionaries; a reply in a message stays one."""
        return {
            name: value._asdict() if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }


class Event(Base):
    def __init__(self, raw_event: dict, type: str = "Undefined"):
        raise AssertionError("unpickling makes an event without its __init__")

    def __str__(self) -> str:
        return f"<{self.event_type} {self.event_id}>"
