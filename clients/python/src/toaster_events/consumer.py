"""Consumes events with redis-py's blocking client."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, TypeVar, Union, overload

from redis import Redis, RedisCluster

from ._consumer import BaseConsumer, E, Lanes
from ._core import ERRORS, Call, Core, Delivery, Pause
from ._settings import Options, StreamName, Unpack
from ._signals import stopping
from .events import ButtonEvent, CommandEvent, Event, MessageEvent, ReactionEvent
from .testing import TestBroker

__all__ = ["Client", "consume"]

Client = Union[Redis, RedisCluster, TestBroker]

T = TypeVar("T")


class consume(BaseConsumer[Client, E]):
    """The events of streams, each for one consumer of the group: to loop over, or to `run` a handler.

    In a loop an event is acknowledged when the next one is requested. If the body of the loop raises
    or breaks, its event stays pending, and is delivered again, to any consumer, after `claim_after`.
    The loop ends on SIGTERM and SIGINT, after its body. See `Options`.
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

    def __iter__(self) -> Iterator[E]:
        with self._core() as core:
            while delivery := self._do(core.next()):
                self._current = delivery
                event: Any = delivery.start()
                yield event
                self._do(core.finish(delivery))

    def run(self, handler: Callable[[E], object], *, concurrency: int = 1) -> None:
        """Calls `handler` for each event until the consumer is stopped.

        An event is acknowledged when `handler` returns. If it raises, the exception is logged, the
        next events follow, and the event is delivered again after `retry_after`. After
        `max_deliveries`, or if the handler raised `Reject`, it is moved to the stream of failed
        events.

        With a `concurrency` above 1 so many threads handle events, those of one chat in order.
        """
        if inspect.iscoroutinefunction(handler):
            raise TypeError("an async handler needs toaster_events.aio")
        with self._core() as core:
            work = partial(self._work, core, handler, Lanes(), threading.Lock())
            if concurrency == 1:
                work()
                return
            with ThreadPoolExecutor(concurrency) as pool:
                try:
                    for worker in [pool.submit(work) for _ in range(concurrency)]:
                        worker.result()
                finally:
                    # Otherwise the pool waits for ever after a KeyboardInterrupt.
                    core.ended = True

    def _work(
        self, core: Core, handler: Callable[[E], object], lanes: Lanes, reading: threading.Lock
    ) -> None:
        try:
            while True:
                with reading:
                    read = self._do(core.next())
                    if read is None:
                        return
                    delivery = lanes.enter(read)
                while delivery:
                    if core.stopped():
                        self._do(core.give_back(delivery))
                    else:
                        self._handle(core, handler, delivery)
                    delivery = lanes.leave(delivery)
        except BaseException:
            core.ended = True
            raise

    def _handle(self, core: Core, handler: Callable[[E], object], delivery: Delivery) -> None:
        event: Any = delivery.start()
        try:
            handler(event)
        except Exception as error:
            delivery.fail(error, self._settings.max_deliveries)
        self._do(core.finish(delivery))

    @contextmanager
    def _core(self) -> Iterator[Core]:
        with stopping(self._settings.stop) as stopped:
            core, ended = Core(self._settings, stopped), threading.Event()

            def renew() -> None:
                while not ended.wait(core.renew_every):
                    try:
                        self._do(core.renew())
                    except ERRORS as error:
                        core.warn_of_claims(error)

            heartbeat = threading.Thread(target=renew, daemon=True)
            heartbeat.start()
            try:
                yield core
            finally:
                core.ended = True
                ended.set()
                heartbeat.join()

    def _do(self, call: Call[T]) -> T:
        execute: Any = self._client.execute_command
        reply: Any = None
        while True:
            try:
                step = call.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                reply = None
                continue
            try:
                reply = execute(*step.args, NEVER_DECODE=True, **step.options)
            except ERRORS as error:
                reply = error
