"""What a consumer does next, where a real Redis answers so only by chance or in another version."""

from __future__ import annotations

from typing import Any

from toaster_events._core import Core
from toaster_events._settings import Settings

KEY = b"{toaster}:message"
FIELDS = {b"data": b"{}"}


def after(*replies: Any) -> Any:
    """The command that follows these replies, the first of which is to XGROUP CREATE."""
    todo = Core(Settings(["message"], "g"), lambda: False).next()
    step: Any = next(todo)
    for reply in replies:
        step = todo.send(reply)
    return step.args


def test_an_entry_that_redis_6_tells_as_trimmed_is_left_out() -> None:
    assert after(b"OK", [b"0-0", [(None, None)]])[0] == "XREADGROUP"


def test_an_entry_whose_owner_finished_after_all_is_not_handled_again() -> None:
    assert after(b"OK", [b"0-0", [(b"1-0", FIELDS)], []])[0] == "XPENDING"
    assert after(b"OK", [b"0-0", [(b"1-0", FIELDS)], []], [])[0] == "XREADGROUP"


def test_old_entries_are_gone_through_to_the_last_before_new_ones_are_read() -> None:
    command = after(b"OK", [b"5-0", [], []])
    assert (command[0], command[5]) == ("XAUTOCLAIM", b"5-0")
    assert after(b"OK", [b"5-0", [], []], [b"0-0", [], []])[0] == "XREADGROUP"
