"""Events read from JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bus import message

from toaster_events import (
    Button,
    ButtonEvent,
    Event,
    Message,
    MessageEvent,
    NotAnEvent,
    Peer,
    Reaction,
    ReactionEvent,
    Reply,
    User,
    parse_event,
)

SPECIFIED = {
    "event_type": "command",
    "event_id": "b0d7020c0bd1ad36b76567054400abc8b279f960",
    "user": {
        "uuid": 206295116,
        "name": "Руслан Башинский",
        "firstname": "Руслан",
        "lastname": "Башинский",
        "nick": "oidaho",
    },
    "peer": {"bpid": 2000000002, "cid": 2, "name": "FUNCKA | TOASTER | DEV | CHAT"},
    "message": {"cmid": 3895, "text": "/command", "reply": None, "forward": [], "attachments": []},
}


def read(data: dict[str, Any]) -> Event:
    return parse_event(json.dumps(data))


def other(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    common = {key: SPECIFIED[key] for key in ("event_id", "user", "peer")}
    return {"event_type": kind, **common, kind: content}


def test_the_specifications_example_is_read_and_given_back() -> None:
    event = read(SPECIFIED)
    assert event.event_type == "command"
    assert event.user == User(206295116, "Руслан Башинский", "Руслан", "Башинский", "oidaho")
    assert event.peer == Peer(2000000002, 2, "FUNCKA | TOASTER | DEV | CHAT")
    assert event.message == Message(3895, "/command", None, [], [])
    assert json.dumps(event.as_dict()) == json.dumps(SPECIFIED), "in the specified order too"


def test_replies_are_objects_with_an_author_where_it_is_told() -> None:
    event = read(message("text"))
    assert isinstance(event, MessageEvent)
    assert event.message.reply == Reply(3894, "Hi!")
    assert event.message.forward == [Reply(1, "", -5)]
    assert json.dumps(event.as_dict()) == json.dumps(message("text"))


def test_an_event_has_the_attribute_of_its_type_and_no_other() -> None:
    button = read(other("button", {"cmid": 0, "beid": "b", "payload": {"a": [1]}}))
    assert isinstance(button, ButtonEvent)
    assert button.button == Button(0, "b", {"a": [1]})
    reaction = read(other("reaction", {"cmid": 3, "rid": 0}))
    assert isinstance(reaction, ReactionEvent)
    assert reaction.reaction == Reaction(3, 0)
    for event, own in [(button, "button"), (reaction, "reaction"), (read(SPECIFIED), "message")]:
        has = {name for name in ("message", "button", "reaction") if hasattr(event, name)}
        assert has == {own}


@pytest.mark.parametrize("payload", ["text", None, 0.5, [1], True])
def test_a_payload_may_be_any_json(payload: object) -> None:
    data = other("button", {"cmid": 0, "beid": "b", "payload": payload})
    assert read(data).as_dict() == data


def test_events_are_equal_when_all_of_them_is() -> None:
    assert read(SPECIFIED) == read(SPECIFIED)
    assert read(SPECIFIED) != read(message("text"))
    assert read(SPECIFIED) != object()


def test_attributes_of_a_newer_fetcher_are_ignored() -> None:
    newer = json.loads(json.dumps(SPECIFIED))
    newer["version"] = 2
    newer["message"]["pinned"] = True
    assert read(newer).as_dict() == SPECIFIED


def parts(data: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every attribute in `data`, at any depth, with what it is in."""
    found = [(data, key) for key in data]
    for value in data.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                found += parts(inner)
    return found


def without(inner: dict[str, Any], key: str) -> None:
    del inner[key]


def otherwise(inner: dict[str, Any], key: str) -> None:
    inner[key] = True


@pytest.mark.parametrize("number", range(len(parts(message("text")))))
@pytest.mark.parametrize("spoil", [without, otherwise])
def test_a_missing_or_wrong_attribute_is_refused(
    number: int, spoil: Callable[[dict[str, Any], str], None]
) -> None:
    data = json.loads(json.dumps(message("text")))
    inner, key = parts(data)[number]
    spoil(inner, key)
    if spoil is without and key == "uuid" and "nick" not in inner:
        assert read(data), "a reply without its author"
        return
    with pytest.raises(NotAnEvent):
        read(data)


@pytest.mark.parametrize("text", [b"", b"\xff", "{", "[]", "null", '{"event_type": []}'])
def test_what_is_no_event_is_refused(text: str | bytes) -> None:
    with pytest.raises(NotAnEvent):
        parse_event(text)
