"""Handlers chosen by decorators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Optional, TypeVar

from ._settings import StreamName
from .events import ButtonEvent, CommandEvent, Event, MessageEvent, ReactionEvent

E = TypeVar("E", bound=Event)
R = TypeVar("R")

Decorator = Callable[[Callable[[E], R]], Callable[[E], R]]
Where = Optional[Callable[[E], bool]]


class _Route(NamedTuple):
    stream: StreamName
    chat: Optional[int]
    where: Optional[Callable[[Any], bool]]
    handler: Callable[[Any], Any]

    def takes(self, event: Event) -> bool:
        return (
            event.event_type == self.stream
            and self.chat in (None, event.peer.cid)
            and (self.where is None or self.where(event))
        )


class BaseRouter(Generic[R]):
    """A handler that passes each event to the first function that was registered for it.

    Its decorators take a `chat` (`peer.cid`) and a condition, `where`. An event for which there is
    no function is acknowledged.
    """

    def __init__(self, *, prefixes: Sequence[str] = ("/", "!")) -> None:
        """`prefixes` is the fetcher's `converter.command_prefixes`."""
        self._prefixes = prefixes
        self._routes: list[_Route] = []

    @property
    def streams(self) -> list[StreamName]:
        """The streams that the registered functions need."""
        return list(dict.fromkeys(route.stream for route in self._routes))

    def message(
        self, *, chat: Optional[int] = None, where: Where[MessageEvent] = None
    ) -> Decorator[MessageEvent, R]:
        """For messages."""
        return self._route("message", chat, where)

    def command(
        self, *names: str, chat: Optional[int] = None, where: Where[CommandEvent] = None
    ) -> Decorator[CommandEvent, R]:
        """For commands of these names, in any case of letters and without the prefix; for all if none
        is given."""
        wanted = {name.casefold() for name in names}

        def is_wanted(event: CommandEvent) -> bool:
            return (not wanted or self._name(event) in wanted) and (where is None or where(event))

        return self._route("command", chat, is_wanted)

    def button(
        self, *, chat: Optional[int] = None, where: Where[ButtonEvent] = None
    ) -> Decorator[ButtonEvent, R]:
        """For presses of callback buttons."""
        return self._route("button", chat, where)

    def reaction(
        self, *, chat: Optional[int] = None, where: Where[ReactionEvent] = None
    ) -> Decorator[ReactionEvent, R]:
        """For reactions."""
        return self._route("reaction", chat, where)

    def __call__(self, event: Event) -> Optional[R]:
        """Handles an event."""
        for route in self._routes:
            if route.takes(event):
                result: R = route.handler(event)
                return result
        return None

    def _route(
        self, stream: StreamName, chat: Optional[int], where: Where[Any]
    ) -> Decorator[Any, R]:
        def register(handler: Callable[[Any], R]) -> Callable[[Any], R]:
            self._routes.append(_Route(stream, chat, where, handler))
            return handler

        return register

    def _name(self, event: CommandEvent) -> str:
        text = event.message.text
        prefix = next((it for it in self._prefixes if text.startswith(it)), "")
        return next(iter(text.removeprefix(prefix).split()), "").casefold()


class Router(BaseRouter[None]):
    """Passes each event to a function."""

    __doc__ = BaseRouter.__doc__
