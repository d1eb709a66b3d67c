"""Consumes events with redis-py's asyncio client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Optional, TypeVar, Union, overload

from redis.asyncio import Redis, RedisCluster

from ._consumer import BaseConsumer, E, Lanes
from ._core import ERRORS, Call, Core, Delivery, Pause
from ._settings import Options, StreamName, Unpack
from ._signals import stopping
from .events import ButtonEvent, CommandEvent, Event, MessageEvent, ReactionEvent
from .router import BaseRouter
from .testing import AsyncTestBroker

__all__ = ["Client", "Router", "consume"]

Client = Union[Redis, RedisCluster, AsyncTestBroker]
Handler = Callable[[E], Optional[Awaitable[object]]]

T = TypeVar("T")


class Router(BaseRouter[Awaitable[None]]):
    """Like `toaster_events.Router`, for async handlers."""


class consume(BaseConsumer[Client, E]):
    """Like `toaster_events.consume`, with `async for`. The event of a cancelled handler stays pending.

    A handler that blocks the event loop for `claim_after` loses its event to another consumer.
    """

    @overload
    def __init__(
        self: consume[MessageEvent], client: Client, streams: Literal["message"], *, group: str,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: consume[CommandEvent], client: Client, streams: Literal["command"], *, group: str,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: consume[ButtonEvent], client: Client, streams: Literal["button"], *, group: str,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: consume[ReactionEvent], client: Client, streams: Literal["reaction"], *, group: str,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: consume[Event], client: Client, streams: Sequence[StreamName], *, group: str,
        **options: Unpack[Options],
    ) -> None: ...
    def __init__(
        self, client: Client, streams: Union[StreamName, Sequence[StreamName]], *, group: str,
        **options: Unpack[Options],
    ) -> None:
        """The events of these streams."""
        super().__init__(client, streams, group, options)

    async def __aiter__(self) -> AsyncIterator[E]:
        async with self._core() as core:
            while delivery := await self._do(core.next()):
                self._current = delivery
                event: Any = delivery.start()
                yield event
                await self._do(core.finish(delivery))

    async def run(self, handler: Handler[E], *, concurrency: int = 1) -> None:
        """Like `run` of `toaster_events.consume`, with tasks for threads."""
        async with self._core() as core:
            lanes, reading = Lanes(), asyncio.Lock()
            workers = [
                asyncio.create_task(self._work(core, handler, lanes, reading))
                for _ in range(concurrency)
            ]
            try:
                await asyncio.wait(workers)
            finally:
                for worker in workers:
                    worker.cancel()
                ends = await asyncio.gather(*workers, return_exceptions=True)
            for end in filter(None, ends):
                raise end

    async def _work(
        self, core: Core, handler: Handler[E], lanes: Lanes, reading: asyncio.Lock
    ) -> None:
        try:
            while True:
                async with reading:
                    read = await self._do(core.next())
                    if read is None:
                        return
                    delivery = lanes.enter(read)
                while delivery:
                    if core.stopped():
                        await self._do(core.give_back(delivery))
                    else:
                        await self._handle(core, handler, delivery)
                    delivery = lanes.leave(delivery)
        except BaseException:
            core.ended = True
            raise

    async def _handle(self, core: Core, handler: Handler[E], delivery: Delivery) -> None:
        event: Any = delivery.start()
        try:
            handling = handler(event)
            if handling is not None:
                await handling
        except Exception as error:
            delivery.fail(error, self._settings.max_deliveries)
        await self._do(core.finish(delivery))

    @asynccontextmanager
    async def _core(self) -> AsyncIterator[Core]:
        with stopping(self._settings.stop) as stopped:
            core = Core(self._settings, stopped)

            async def renew() -> None:
                # redis-py may turn the cancellation into an error of its own.
                while not core.ended:
                    await asyncio.sleep(core.renew_every)
                    try:
                        await self._do(core.renew())
                    except ERRORS as error:
                        core.warn_of_claims(error)

            heartbeat = asyncio.create_task(renew())
            try:
                yield core
            finally:
                core.ended = True
                heartbeat.cancel()
                await asyncio.wait([heartbeat])

    async def _do(self, call: Call[T]) -> T:
        execute: Any = self._client.execute_command
        reply: Any = None
        while True:
            try:
                step = call.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                reply = None
                continue
            try:
                reply = await execute(*step.args, NEVER_DECODE=True, **step.options)
            except ERRORS as error:
                reply = error
