"""The fetcher's side of the bus, played by the tests, and what they see of a consumer's side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from redis import Redis

KEY = "{toaster}:message"
FAILED = "{toaster}:message:failed"


def message(text: str, kind: str = "message", chat: int = 2) -> dict[str, Any]:
    """The JSON of a message."""
    return {
        "event_type": kind,
        "event_id": f"id of {text}",
        "user": {
            "uuid": 206295116,
            "name": "Руслан Башинский",
            "firstname": "Руслан",
            "lastname": "Башинский",
            "nick": "oidaho",
        },
        "peer": {"bpid": 2000000000 + chat, "cid": chat, "name": "DEV"},
        "message": {
            "cmid": 3895,
            "text": text,
            "reply": {"cmid": 3894, "text": "Hi!"},
            "forward": [{"cmid": 1, "text": "", "uuid": -5}],
            "attachments": ["reply", "forward"],
        },
    }


def put(redis: Redis, *texts: str, kind: str = "message", chat: int = 2) -> list[bytes]:
    """Commits messages as the fetcher does, and gives their entries' ids."""
    return [
        put_raw(
            redis,
            {
                "event_id": f"id of {text}",
                "event_type": kind,
                "group_id": "1",
                "ts": "7",
                "data": json.dumps(message(text, kind, chat), ensure_ascii=False),
            },
            f"{{toaster}}:{kind}",
        )
        for text in texts
    ]


def put_raw(redis: Redis, fields: dict[Any, Any], key: str = KEY) -> bytes:
    entry = redis.xadd(key, fields)
    assert isinstance(entry, bytes)
    return entry


def pending(redis: Redis, group: str = "g") -> int:
    """How many events the group has not acknowledged."""
    state: Any = redis.xpending(KEY, group)
    return int(state["pending"])


def put_aside(redis: Redis) -> list[dict[str, str]]:
    """The failed events."""
    entries: Any = redis.xrange(FAILED)
    return [
        {
            name.decode(errors="replace"): value.decode(errors="replace")
            for name, value in fields.items()
        }
        for _, fields in entries
    ]


class Until:
    """Asks to stop when a condition holds, and fails the test when it does not in time."""

    def __init__(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        self.condition = condition
        self.end = time.monotonic() + seconds

    def is_set(self) -> bool:
        assert time.monotonic() < self.end, "this should have happened by now"
        return self.condition()

    def wait(self) -> None:
        while not self.is_set():
            time.sleep(0.01)
