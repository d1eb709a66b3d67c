"""Events of a VK community, from event-fetcher's Redis streams.

`consume` yields them one by one, `run` hands each to a function; `toaster_events.aio` has the same
two for asyncio. An event is an `Event`, made of the NamedTuples of the specification.
"""

from .consumer import consume, run
from .events import (
    Button,
    Event,
    EventType,
    Message,
    NotAnEvent,
    Peer,
    Reaction,
    Reply,
    User,
)

__all__ = [
    "Button",
    "Event",
    "EventType",
    "Message",
    "NotAnEvent",
    "Peer",
    "Reaction",
    "Reply",
    "User",
    "consume",
    "run",
]
