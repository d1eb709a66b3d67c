"""Consumers and their events, with a Redis."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Union

import pytest
from redis import Redis

from bus import FAILED, KEY, Until, message, pending, put, put_aside, put_raw
from clients import Asyncio, Blocking
from toaster_events import Handling, MessageEvent, Reject, parse_event

Client = Union[Blocking, Asyncio]
SOON = timedelta(milliseconds=40)
NEVER = timedelta(hours=1)


@pytest.fixture(params=[Blocking, Asyncio])
def client(request: pytest.FixtureRequest, server: str) -> Client:
    made: Client = request.param(server)
    return made


class Seen(list[str]):
    """The texts of the events that came."""

    def __call__(self, event: MessageEvent) -> None:
        self.append(event.message.text)

    def until(self, number: int) -> Until:
        return Until(lambda: len(self) >= number)


class Failing(Seen):
    """Raises after noting the event, if it is one of those."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.texts = texts

    def __call__(self, event: MessageEvent) -> None:
        super().__call__(event)
        if event.message.text in self.texts:
            raise RuntimeError(f"cannot handle {event.message.text}")


def test_events_come_in_order_and_are_acknowledged(redis: Redis, client: Client) -> None:
    put(redis, "a", "b", "c")
    seen = Seen()
    client.consume(seen, stop=seen.until(3))
    assert seen == ["a", "b", "c"]
    assert pending(redis) == 0
    assert redis.xlen(KEY) == 3, "the stream is the fetcher's, and other groups read it too"


def test_an_event_is_what_the_stream_holds(redis: Redis, client: Client) -> None:
    put(redis, "text")
    events: list[MessageEvent] = []
    client.consume(events.append, stop=Until(lambda: bool(events)))
    assert events[0].as_dict() == message("text")


@pytest.mark.parametrize("connection", [{"decode_responses": True}, {"protocol": 3}, {"protocol": 2}])
@pytest.mark.parametrize("kind", [Blocking, Asyncio])
def test_clients_may_be_set_up_otherwise(
    redis: Redis, server: str, kind: type[Client], connection: dict[str, Any]
) -> None:
    put(redis, "a", "bad")
    seen = Failing("bad")
    kind(server, **connection).run(
        seen, claim_after=SOON, retry_after=SOON, max_deliveries=2, stop=Until(lambda: bool(redis.exists(FAILED)))
    )
    assert seen == ["a", "bad", "bad"]


def test_each_event_goes_to_one_of_the_group(redis: Redis, client: Client) -> None:
    put(redis, "a", "b", "c", "d")
    one, other = Seen(), Seen()
    client.consume(one, stop=one.until(2), consumer="one")
    client.consume(other, stop=other.until(2), consumer="other")
    assert one + other == ["a", "b", "c", "d"]


def test_an_event_is_acknowledged_only_after_its_body(redis: Redis, client: Client) -> None:
    put(redis, "a")
    counts: list[int] = []
    client.run(lambda _: counts.append(pending(redis)), stop=Until(lambda: bool(counts)))
    assert counts == [1]
    assert pending(redis) == 0


def test_a_body_that_raises_leaves_its_event_for_another(redis: Redis, client: Client) -> None:
    put(redis, "a", "b")
    with pytest.raises(RuntimeError, match="cannot handle a"):
        client.consume(Failing("a"), consumer="one")
    assert pending(redis) == 1
    seen = Seen()
    client.consume(seen, stop=seen.until(2), consumer="other", claim_after=SOON, retry_after=SOON)
    assert sorted(seen) == ["a", "b"]
    assert pending(redis) == 0


def test_what_another_works_on_is_not_taken_over(redis: Redis, client: Client) -> None:
    put(redis, "a", "b")
    with pytest.raises(RuntimeError):
        client.consume(Failing("a"), consumer="one")
    seen = Seen()
    client.consume(seen, stop=seen.until(1), consumer="other", claim_after=NEVER)
    assert seen == ["b"]
    assert pending(redis) == 1


def test_a_failed_event_does_not_hold_up_the_others(redis: Redis, client: Client) -> None:
    put(redis, "bad", "a", "b")
    seen = Failing("bad")
    client.run(seen, stop=seen.until(3), claim_after=NEVER)
    assert seen == ["bad", "a", "b"]
    assert pending(redis) == 1
    assert put_aside(redis) == []


def test_an_event_that_keeps_failing_is_put_aside_with_its_error(
    redis: Redis, client: Client
) -> None:
    (entry,) = put(redis, "bad")
    seen = Failing("bad")
    client.run(
        seen, stop=Until(lambda: bool(redis.exists(FAILED))), claim_after=SOON, retry_after=SOON, max_deliveries=3
    )
    assert seen == ["bad"] * 3
    assert pending(redis) == 0
    (aside,) = put_aside(redis)
    assert aside["entry"] == entry.decode()
    assert aside["group"] == "g"
    assert aside["deliveries"] == "3"
    assert "RuntimeError: cannot handle bad" in aside["error"]
    assert parse_event(aside["data"]).as_dict() == message("bad")
    assert aside["ts"] == "7"


def test_an_error_that_is_no_utf_8_is_put_aside_too(redis: Redis, client: Client) -> None:
    put(redis, "a")

    def fail(_: MessageEvent) -> None:
        raise RuntimeError("\ud800")

    client.run(fail, stop=Until(lambda: bool(redis.exists(FAILED))), max_deliveries=1)
    assert "RuntimeError: \\ud800" in put_aside(redis)[0]["error"]


def test_an_event_that_kills_its_consumers_is_put_aside(redis: Redis, client: Client) -> None:
    put(redis, "bad")
    for worker in ("one", "two"):
        with pytest.raises(RuntimeError):
            client.consume(Failing("bad"), consumer=worker, claim_after=SOON, retry_after=SOON, max_deliveries=2)
    put(redis, "good")
    seen = Seen()
    stop = Until(lambda: bool(seen) and bool(redis.exists(FAILED)))
    client.consume(seen, consumer="three", claim_after=SOON, retry_after=SOON, max_deliveries=2, stop=stop)
    assert seen == ["good"]
    assert put_aside(redis)[0]["error"] == "delivered 2 times and never acknowledged"
    assert pending(redis) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"data": "{}"},
        {"data": b"\xff\xfe"},
        {"data": "[" * 100_000},
        {b"\xff": b"\xff"},
    ],
)
def test_what_is_no_event_is_put_aside_at_once(
    redis: Redis, client: Client, fields: dict[Any, Any]
) -> None:
    put_raw(redis, fields)
    put(redis, "a")
    seen = Seen()
    client.run(seen, stop=seen.until(1))
    assert seen == ["a"]
    assert put_aside(redis)[0]["error"].startswith("not an event: ")
    assert pending(redis) == 0


def test_where_an_event_cannot_be_put_aside_it_is_not_acknowledged(
    redis: Redis, client: Client
) -> None:
    redis.set(FAILED, "another program's")
    put_raw(redis, {"data": "{}"})
    with pytest.raises(Exception, match="WRONGTYPE"):
        client.run(Seen(), stop=Until(lambda: False))
    assert pending(redis) == 1


def test_a_trimmed_event_is_left_out(redis: Redis, client: Client) -> None:
    entry, _ = put(redis, "a", "b")
    with pytest.raises(RuntimeError):
        client.consume(Failing("a"), consumer="one")
    redis.xdel(KEY, entry)
    seen = Seen()
    stop = Until(lambda: bool(seen) and pending(redis) == 0)
    client.consume(seen, consumer="other", claim_after=SOON, retry_after=SOON, stop=stop)
    assert seen == ["b"]


def test_a_group_begins_with_the_oldest_event_and_goes_on_where_it_was(
    redis: Redis, client: Client
) -> None:
    put(redis, "before")
    seen = Seen()
    client.consume(seen, stop=seen.until(1))
    put(redis, "meanwhile")
    client.consume(seen, stop=seen.until(2))
    assert seen == ["before", "meanwhile"]


def test_a_consumer_survives_a_redis_that_lost_everything(redis: Redis, client: Client) -> None:
    put(redis, "a")
    seen = Seen()

    def lose(event: MessageEvent) -> None:
        seen(event)
        if event.message.text == "a":
            redis.flushall()
            put(redis, "b")

    client.consume(lose, stop=seen.until(2))
    assert seen == ["a", "b"]


def test_another_namespace_is_another_stream(redis: Redis, client: Client) -> None:
    put(redis, "a")
    redis.rename(KEY, "{staging}:message")
    seen = Seen()
    client.consume(seen, stop=seen.until(1), namespace="staging")
    assert seen == ["a"]


def test_several_streams_are_one_consumers(redis: Redis, client: Client) -> None:
    put(redis, "a", "b")
    put(redis, "/c", kind="command")
    seen: list[str] = []
    client.both(lambda event: seen.append(event.event_type), stop=Until(lambda: len(seen) == 3))
    assert sorted(seen) == ["command", "message", "message"]
    assert pending(redis) == 0


def test_an_event_on_the_stream_of_another_type_is_put_aside(redis: Redis, client: Client) -> None:
    put_raw(redis, {"data": json.dumps(message("/a", "command"))})
    client.run(Seen(), stop=Until(lambda: bool(redis.exists(FAILED))))
    error = "not an event: of type command, on the stream of type message"
    assert put_aside(redis)[0]["error"] == error


def test_a_failed_event_is_due_again_long_before_claim_after(redis: Redis, client: Client) -> None:
    put(redis, "bad")
    seen = Failing("bad")
    client.run(seen, stop=seen.until(3), claim_after=NEVER, retry_after=SOON)
    assert seen == ["bad"] * 3


def test_a_rejected_event_is_put_aside_at_once(redis: Redis, client: Client) -> None:
    put(redis, "a", "b")

    def refuse(_: MessageEvent) -> None:
        raise Reject("not for us")

    client.run(refuse, stop=Until(lambda: redis.xlen(FAILED) == 1))
    client.reject("nor for us", stop=Until(lambda: redis.xlen(FAILED) == 2))
    assert [it["error"] for it in put_aside(redis)] == ["not for us", "nor for us"]
    assert [it["deliveries"] for it in put_aside(redis)] == ["1", "1"]
    assert pending(redis) == 0


def test_each_handling_is_observed(redis: Redis, client: Client) -> None:
    put(redis, "good", "bad")
    seen: list[Handling] = []
    client.run(
        Failing("bad"),
        max_deliveries=2,
        retry_after=SOON,
        observe=seen.append,
        stop=Until(lambda: len(seen) == 3),
    )
    assert [(it.event.event_id, it.result, it.delivery) for it in seen] == [
        ("id of good", "handled", 1),
        ("id of bad", "failed", 1),
        ("id of bad", "failed", 2),
    ]
    assert all(it.seconds > 0 for it in seen)


def test_an_event_that_takes_long_is_not_claimed_by_another(redis: Redis, client: Client) -> None:
    put(redis, "long")
    claim_after = timedelta(milliseconds=200)
    seen, started, done = Seen(), threading.Event(), threading.Event()

    def work(event: MessageEvent) -> None:
        started.set()
        assert done.wait(10)

    def other() -> None:
        assert started.wait(10)
        time.sleep(3 * claim_after.total_seconds())
        put(redis, "short")
        client.run(seen, consumer="two", claim_after=claim_after, stop=seen.until(1))
        done.set()

    with ThreadPoolExecutor() as pool:
        second = pool.submit(other)
        client.run(work, consumer="one", claim_after=claim_after, stop=done)
        second.result()
    assert seen == ["short"]
    assert pending(redis) == 0


def test_an_event_that_another_claimed_is_left_to_it(redis: Redis, client: Client) -> None:
    (entry,) = put(redis, "a")
    owners: list[str] = []

    def work(_: MessageEvent) -> None:
        redis.xclaim(KEY, "g", "other", 0, [entry])
        time.sleep(5 * SOON.total_seconds())
        pending: Any = redis.xpending_range(KEY, "g", "-", "+", 9)
        owners.extend(it["consumer"].decode() for it in pending)
        raise Reject("too late")

    client.run(work, consumer="one", claim_after=4 * SOON, stop=Until(lambda: bool(owners)))
    assert owners == ["other"]
    assert put_aside(redis) == []
    assert pending(redis) == 1


def test_chats_are_handled_at_once_and_each_in_order(redis: Redis, client: Client) -> None:
    for text in ("1", "2", "3"):
        for chat in (1, 2, 3):
            put(redis, text, chat=chat)
    seen: dict[int, list[str]] = {1: [], 2: [], 3: []}
    all_chats = threading.Barrier(3)

    def work(event: MessageEvent) -> None:
        all_chats.wait(10)
        seen[event.peer.cid].append(event.message.text)

    stop = Until(lambda: sum(map(len, seen.values())) == 9)
    client.run(work, concurrency=3, stop=stop)
    assert seen == {chat: ["1", "2", "3"] for chat in (1, 2, 3)}
    assert pending(redis) == 0


def test_a_busy_chat_does_not_hold_up_another(redis: Redis, client: Client) -> None:
    put(redis, "1", "2", "3", "4", chat=1)
    put(redis, "other", chat=2)
    other, seen = threading.Event(), Seen()

    def work(event: MessageEvent) -> None:
        if event.peer.cid == 1:
            assert other.wait(10)
        other.set()
        seen(event)

    client.run(work, concurrency=2, stop=seen.until(5))
    assert seen == ["other", "1", "2", "3", "4"]


def test_what_waits_for_its_turn_at_a_stop_is_due_for_others_at_once(
    redis: Redis, client: Client
) -> None:
    put(redis, "1", "2", "3")
    seen, stop = Seen(), threading.Event()

    def work(event: MessageEvent) -> None:
        seen(event)
        Until(lambda: pending(redis) == 3).wait()
        stop.set()

    client.run(work, concurrency=2, consumer="one", claim_after=NEVER, stop=stop)
    assert seen == ["1"]
    client.run(seen, consumer="two", claim_after=NEVER, max_deliveries=1, stop=seen.until(3))
    assert seen == ["1", "2", "3"]


def test_what_ends_one_of_several_workers_ends_all(redis: Redis, client: Client) -> None:
    put(redis, "a")
    redis.set(FAILED, "another program's")
    with pytest.raises(Exception, match="WRONGTYPE"):
        client.run(Failing("a"), concurrency=3, max_deliveries=1, stop=Until(lambda: False))


def test_an_async_handler_is_refused_by_the_blocking_client(server: str) -> None:
    async def handle(_: MessageEvent) -> None: ...

    with pytest.raises(TypeError, match="toaster_events.aio"):
        Blocking(server).run(handle)
