"""Which options a consumer accepts."""

from datetime import timedelta
from typing import Any

import pytest

from toaster_events._settings import Settings


@pytest.mark.parametrize(
    ("option", "error", "says"),
    [
        ({"claim_after": 30}, TypeError, "claim_after is a timedelta"),
        ({"block": 0.5}, TypeError, "block is a timedelta"),
        ({"claim_after": timedelta(0)}, ValueError, "claim_after has to be longer"),
        ({"retry_after": timedelta(0)}, ValueError, "retry_after has to be longer"),
        ({"patience": 5}, TypeError, "patience is a timedelta"),
        ({"streams": ["mesage"]}, ValueError, "no stream is named 'mesage': use message, command"),
        ({"streams": []}, ValueError, "no stream: name at least one of message, command"),
        ({"names": {"mesage": "m"}}, ValueError, "no stream is named 'mesage'"),
        ({"max_deliveries": 0}, ValueError, "max_deliveries is at least 1"),
    ],
)
def test_a_mistake_is_named_at_once(
    option: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Settings(**{"streams": ["message"], "group": "g", **option})


def test_the_pause_before_a_retry_doubles_up_to_claim_after() -> None:
    settings = Settings(["message"], "g", retry_after=timedelta(seconds=10))
    seconds = [settings.retry_in(failures).total_seconds() for failures in (1, 2, 3, 4, 5, 10_000)]
    assert seconds == [10, 20, 40, 60, 60, 60]


def test_a_renamed_stream_has_another_key() -> None:
    settings = Settings(["message", "command"], "g", namespace="x", names={"command": "orders"})
    assert settings.keys == {b"{x}:message": "message", b"{x}:orders": "command"}
