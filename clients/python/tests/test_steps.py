"""What a consumer does next, where a real Redis answers so only by chance or in another version."""

from __future__ import annotations

from typing import Any

from toaster_events._settings import Settings
from toaster_events._steps import Command, steps

FIELDS = {b"data": b"{}"}


def after(*replies: Any) -> Any:
    """The step that follows these replies, the first of which is to XGROUP CREATE."""
    todo = steps(Settings("message", "g"), lambda: False)
    step: Any = next(todo)
    for reply in replies:
        step = todo.send(reply)
    return step


def test_an_entry_that_redis_6_tells_as_trimmed_is_left_out() -> None:
    step = after(b"OK", [b"0-0", [(None, None)]])
    assert isinstance(step, Command)
    assert step.args[0] == "XREADGROUP"


def test_an_entry_whose_owner_finished_after_all_is_not_handled_again() -> None:
    step = after(b"OK", [b"0-0", [(b"1-0", FIELDS)], []])
    assert step.args[0] == "XPENDING"
    step = after(b"OK", [b"0-0", [(b"1-0", FIELDS)], []], [])
    assert step.args[0] == "XREADGROUP"


def test_old_entries_are_gone_through_to_the_last_before_new_ones_are_read() -> None:
    step = after(b"OK", [b"5-0", [], []])
    assert (step.args[0], step.args[5]) == ("XAUTOCLAIM", b"5-0")
    assert after(b"OK", [b"5-0", [], []], [b"0-0", [], []]).args[0] == "XREADGROUP"
