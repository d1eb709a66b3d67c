"""A consumer that appends to Redis lists which events it started and finished, and sleeps between.

Arguments: the address, the client (blocking or asyncio), the seconds that an event takes.
"""

import sys
import time
from datetime import timedelta

from redis import Redis

from clients import Asyncio, Blocking
from toaster_events import MessageEvent

url, kind, seconds = sys.argv[1:]
log = Redis.from_url(url)


def work(event: MessageEvent) -> None:
    log.rpush("started", event.message.text)
    time.sleep(float(seconds))
    log.rpush("done", event.message.text)


client = Asyncio(url) if kind == "asyncio" else Blocking(url)
client.consume(work, claim_after=timedelta(seconds=1))
log.rpush("done", "stopped")
