"""A handler written for the predecessor: unpickles the messages of its channel and acts on them."""

import pickle
import sys

from toaster.broker.events.events import Event
from toaster.broker.events.objects import Reply

for line in sys.stdin:
    event = pickle.loads(bytes.fromhex(line))
    assert isinstance(event, Event)
    message = event.message
    print(f"{event} {event.user.name} in {event.peer.name}: {message.text}")
    quoted = [message.reply] if "reply" in message.attachments else []
    for reply in quoted + message.forward:
        assert isinstance(reply, Reply)
        print(f"warn {reply.uuid} for {reply.text} at {reply.cmid}")
