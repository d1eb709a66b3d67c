"""The events, their parts, and how they are parsed from JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Optional, TypeVar, Union

Json = dict[str, Any]


class NotAnEvent(ValueError):
    """The text is not the JSON of an event."""


class Button(NamedTuple):
    """A press on a callback button."""

    cmid: int
    """The message that carries the button; 0 for a conversation's keyboard."""
    beid: str
    """The press, for `messages.sendMessageEventAnswer`."""
    payload: Json
    """The button's payload. It may be any JSON value, although VK requires an object."""


class Reply(NamedTuple):
    """A message answered or forwarded."""

    cmid: int
    text: str
    uuid: Optional[int] = None
    """The author; None unless `converter.reply_author` is on in the fetcher."""


class Message(NamedTuple):
    """A message, also one that is a command."""

    cmid: int
    text: str
    reply: Optional[Reply]
    forward: list[Reply]
    attachments: list[str]


class Reaction(NamedTuple):
    """A reaction to a message; `rid` is 0 if it was removed."""

    cmid: int
    rid: int


class User(NamedTuple):
    """The author of the event; a community has a negative `uuid`."""

    uuid: int
    name: str
    firstname: str
    lastname: str
    nick: str


class Peer(NamedTuple):
    """The conversation; `cid` is 0 if it is not a chat."""

    bpid: int
    cid: int
    name: str


@dataclass(frozen=True)
class _AnyEvent:
    """What all events have."""

    event_id: str
    user: User
    peer: Peer

    def as_dict(self) -> Json:
        """Returns the event as a dictionary, which serializes to the JSON it was parsed from."""
        values = dict(vars(self))
        return {"event_type": values.pop("event_type"), **{k: _plain(v) for k, v in values.items()}}


@dataclass(frozen=True)
class MessageEvent(_AnyEvent):
    """Somebody wrote a message."""

    message: Message
    event_type: Literal["message"] = "message"


@dataclass(frozen=True)
class CommandEvent(_AnyEvent):
    """Somebody wrote a message that begins with a command prefix."""

    message: Message
    event_type: Literal["command"] = "command"


@dataclass(frozen=True)
class ButtonEvent(_AnyEvent):
    """Somebody pressed a callback button."""

    button: Button
    event_type: Literal["button"] = "button"


@dataclass(frozen=True)
class ReactionEvent(_AnyEvent):
    """Somebody put a reaction under a message, or removed it."""

    reaction: Reaction
    event_type: Literal["reaction"] = "reaction"


Event = Union[MessageEvent, CommandEvent, ButtonEvent, ReactionEvent]


def parse_event(text: Union[str, bytes]) -> Event:
    """Parses the JSON that streams and channels carry. Unknown attributes are ignored.

    Raises `NotAnEvent`.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAnEvent(f"not JSON: {error}") from error
    event = _dict(data)
    kind = _text(event, "event_type")
    common = _text(event, "event_id"), _user(_part(event, "user")), _peer(_part(event, "peer"))
    if kind == "message":
        return MessageEvent(*common, _message(_part(event, "message")))
    if kind == "command":
        return CommandEvent(*common, _message(_part(event, "message")))
    if kind == "button":
        return ButtonEvent(*common, _button(_part(event, "button")))
    if kind == "reaction":
        return ReactionEvent(*common, _reaction(_part(event, "reaction")))
    raise NotAnEvent(f"no event type: {kind!r}")


def _plain(value: object) -> object:
    if isinstance(value, Reply) and value.uuid is None:
        return {"cmid": value.cmid, "text": value.text}
    if isinstance(value, (Message, Reply, Button, Reaction, User, Peer)):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _message(data: Json) -> Message:
    reply = _value(data, "reply")
    return Message(
        cmid=_int(data, "cmid"),
        text=_text(data, "text"),
        reply=None if reply is None else _reply(reply),
        forward=[_reply(item) for item in _list(data, "forward")],
        attachments=[_typed(item, str, "attachments") for item in _list(data, "attachments")],
    )


def _reply(value: object) -> Reply:
    data = _dict(value)
    uuid = _int(data, "uuid") if "uuid" in data else None
    return Reply(cmid=_int(data, "cmid"), text=_text(data, "text"), uuid=uuid)


def _button(data: Json) -> Button:
    return Button(_int(data, "cmid"), _text(data, "beid"), _value(data, "payload"))


def _reaction(data: Json) -> Reaction:
    return Reaction(_int(data, "cmid"), _int(data, "rid"))


def _user(data: Json) -> User:
    names = (_text(data, key) for key in ("name", "firstname", "lastname", "nick"))
    return User(_int(data, "uuid"), *names)


def _peer(data: Json) -> Peer:
    return Peer(_int(data, "bpid"), _int(data, "cid"), _text(data, "name"))


_T = TypeVar("_T")


def _value(data: Json, key: str) -> Any:
    if key not in data:
        raise NotAnEvent(f"no {key}")
    return data[key]


def _typed(value: object, kind: type[_T], name: str) -> _T:
    # In Python, True is an int.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise NotAnEvent(f"{name} is not of type {kind.__name__}: {value!r}")
    return value


def _int(data: Json, key: str) -> int:
    return _typed(_value(data, key), int, key)


def _text(data: Json, key: str) -> str:
    return _typed(_value(data, key), str, key)


def _list(data: Json, key: str) -> list[Any]:
    return _typed(_value(data, key), list, key)


def _dict(value: object) -> Json:
    return _typed(value, dict, "an object")


def _part(data: Json, key: str) -> Json:
    return _typed(_value(data, key), dict, key)
