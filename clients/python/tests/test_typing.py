"""What a type checker refuses. mypy runs over this file, and fails where a line is no error."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING

import redis
import redis.asyncio

import toaster_events
from toaster_events import ButtonEvent, CommandEvent, MessageEvent, Router, aio, consume

if TYPE_CHECKING:
    plain: redis.Redis
    cluster: redis.RedisCluster
    async_plain: redis.asyncio.Redis
    async_cluster: redis.asyncio.RedisCluster

    def for_buttons(event: ButtonEvent) -> None: ...
    async def for_commands(event: CommandEvent) -> None: ...

    for message in consume(plain, "message", group="g"):
        message.message.text
        message.button  # type: ignore[attr-defined]
    for event in consume(cluster, ["message", "button"], group="g"):
        if event.event_type == "button":
            event.button.payload
            event.message  # type: ignore[attr-defined]
        else:
            event.button  # type: ignore[union-attr]
    consume(plain, "mesage", group="g")  # type: ignore[arg-type]
    consume(plain, ["message", "buton"], group="g")  # type: ignore[list-item]
    consume(plain, "button", group="g").run(for_buttons)
    consume(plain, "message", group="g").run(for_buttons)  # type: ignore[arg-type]
    consume(plain, "message", group="g", claim_after=5)  # type: ignore[call-overload]
    consume(async_plain, "message", group="g")  # type: ignore[call-overload]
    aio.consume(plain, "message", group="g")  # type: ignore[call-overload]
    aio.consume(async_cluster, "command", group="g")

    router = Router()
    router.button(chat=2)(for_buttons)
    router.message(chat=2)(for_buttons)  # type: ignore[arg-type]
    router.command("warn")(for_commands)  # type: ignore[arg-type]
    aio.Router().command("warn")(for_commands)


def test_the_types_are_known_at_run_time() -> None:
    hints = typing.get_type_hints(consume.__init__)
    assert hints["streams"] == typing.get_type_hints(aio.consume.__init__)["streams"]
    assert typing.get_type_hints(consume.run)["concurrency"] is int
    assert typing.get_type_hints(MessageEvent)["event_type"] == typing.Literal["message"]
    for name in toaster_events.__all__:
        item = getattr(toaster_events, name)
        if isinstance(item, type) or inspect.isfunction(item):
            typing.get_type_hints(item)
