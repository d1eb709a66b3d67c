"""Routers, and the bus in memory that bots are tested with."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from toaster_events import CommandEvent, MessageEvent, Peer, Reject, Router, aio, consume
from toaster_events.testing import AsyncTestBroker, TestBroker, command, message


def test_a_router_passes_each_event_to_the_first_function_that_takes_it() -> None:
    bot, seen = Router(), list[str]()

    @bot.command("Warn", "w", chat=1)
    def warn(event: CommandEvent) -> None:
        seen.append(f"warn: {event.message.text}")

    @bot.command(where=lambda event: "secret" not in event.message.text)
    def other(event: CommandEvent) -> None:
        seen.append(f"other: {event.message.text}")

    @bot.message(where=lambda event: "photo" in event.message.attachments)
    def photo(event: MessageEvent) -> None:
        seen.append(f"photo: {event.message.text}")

    elsewhere = Peer(2_000_000_002, 2, "")
    broker = TestBroker(
        command("/warn 5"),
        command("!W"),
        command("/warning"),
        command("/warn", peer=elsewhere),
        command("/"),
        command("/secret"),
        message("none"),
        message("one", attachments=["photo"]),
    )
    assert bot.streams == ["command", "message"]
    consume(broker, bot.streams, group="g", stop=broker).run(bot)
    assert sorted(seen) == [
        *("other: /", "other: /warn", "other: /warning"),
        *("photo: one", "warn: !W", "warn: /warn 5"),
    ]
    assert len(broker.handled) == 8


def test_prefixes_are_the_fetchers() -> None:
    bot, seen = Router(prefixes=["bot, "]), list[str]()

    @bot.command("ban")
    def ban(event: CommandEvent) -> None:
        seen.append(event.message.text)

    bot(command("bot, ban him"))
    bot(command("/ban"))
    assert seen == ["bot, ban him"]


def fail(event: MessageEvent) -> None:
    if event.message.text == "bad":
        raise RuntimeError("no")
    if event.message.text == "odd":
        raise Reject("odd")


def test_the_broker_in_memory_retries_and_puts_aside() -> None:
    broker = TestBroker(message("bad"), message("odd"), message("good"))
    soon = timedelta(milliseconds=1)
    consumer = consume(broker, "message", group="g", retry_after=soon, stop=broker)
    consumer.run(fail, concurrency=2)
    assert broker.handled == [message("good")]
    (odd, reason), (bad, error) = broker.failed
    assert (odd, reason, bad) == (message("odd"), "odd", message("bad"))
    assert "RuntimeError: no" in error


def test_an_async_bot_is_tested_alike() -> None:
    bot, seen = aio.Router(), list[str]()

    @bot.message()
    async def note(event: MessageEvent) -> None:
        seen.append(event.message.text)
        await asyncio.sleep(0)

    async def main() -> None:
        broker = AsyncTestBroker(message("a"), command("/b"), message("c"))
        consumer = aio.consume(broker, [*bot.streams, "command"], group="g", stop=broker)
        await consumer.run(bot, concurrency=2)

    asyncio.run(main())
    assert seen == ["a", "c"]
