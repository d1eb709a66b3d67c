"""Events of a VK community, from event-fetcher's Redis streams.

`consume` yields events, and its `run` calls a handler for each, such as a `Router`. `toaster_events.aio`
has the same for asyncio, `toaster_events.testing` a bus for tests. An event consists of the NamedTuples of
the specification.
"""

from ._core import Reject
from ._settings import Handling, Options, StreamName
from .consumer import consume
from .events import (
    Button,
    ButtonEvent,
    CommandEvent,
    Event,
    Message,
    MessageEvent,
    NotAnEvent,
    Peer,
    Reaction,
    ReactionEvent,
    Reply,
    User,
    parse_event,
)
from .router import Router

__all__ = [
    "Button",
    "ButtonEvent",
    "CommandEvent",
    "Event",
    "Handling",
    "Message",
    "MessageEvent",
    "NotAnEvent",
    "Options",
    "Peer",
    "Reaction",
    "ReactionEvent",
    "Reject",
    "Reply",
    "Router",
    "StreamName",
    "User",
    "consume",
    "parse_event",
]
