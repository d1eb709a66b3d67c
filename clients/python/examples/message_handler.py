"""A message handler: it answers those who greet the community.

    REDIS_URL=redis://172.18.0.40:6379 python message_handler.py

Start as many as the load asks for: each message goes to one of them. Stop with SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import logging
import os

from redis import Redis

from toaster_events import MessageEvent, consume

log = logging.getLogger("message-handler")


def handle(event: MessageEvent) -> None:
    """Handles one message. It may get the same message twice, so it must not mind."""
    if "hi" in event.message.text.lower():
        answer(event.peer.bpid, event.message.cmid, f"Hello, {event.user.firstname}!")


def answer(peer_id: int, cmid: int, text: str) -> None:
    """Where a real handler would call `messages.send`, with a `random_id` made of peer_id and cmid:
    VK drops a second message with the same one."""
    log.info("to %d, about %d: %s", peer_id, cmid, text)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    with Redis.from_url(os.environ.get("REDIS_URL", "redis://172.18.0.40:6379")) as client:
        consume(client, "message", group="message-handler").run(handle)
    log.info("stopped")
