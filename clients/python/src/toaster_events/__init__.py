"""Events of a VK community, from event-fetcher's Redis streams.

`consume` yields events, `run` calls a function for each. `toaster_events.aio` has both for asyncio. An
`Event` consists of the NamedTuples of the specification.
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
