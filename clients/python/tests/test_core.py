"""What a consumer does next, where a real Redis answers so only by chance or in another version."""

from __future__ import annotations

import json
from typing import Any

from bus import message
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


def test_another_worker_may_claim_a_failed_event_before_the_first_knows_that_it_may() -> None:
    core = Core(Settings(["message"], "g"), lambda: False)
    entries = [(b"1-0", {b"data": json.dumps(message("a")).encode()})]

    def read(*replies: Any) -> Any:
        call = core.next()
        step: Any = next(call)
        try:
            for reply in replies:
                step = call.send(reply)
        except StopIteration as end:
            return end.value
        return step

    delivery = read(b"OK", [b"0-0", []], [[KEY, entries]])
    delivery.result = "failed"
    releasing = core.finish(delivery)
    step: Any = next(releasing)
    assert step.args[0] == "EVAL"
    core._scan_at = 0
    again = read([b"0-0", entries], [{"times_delivered": 2}])
    assert (again.entry, again.number) == (b"1-0", 2)
