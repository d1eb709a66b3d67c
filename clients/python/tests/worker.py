"""A consumer that tells a list what it begins and what it has done, and takes its time between.

Arguments: the address, the client (blocking or asyncio), the seconds that an event takes.
"""

import sys
import time
from datetime import timedelta

from redis import Redis

from clients import Asyncio, Blocking
from toaster_events import Event

url, kind, seconds = sys.argv[1:]
told = Redis.from_url(url)


def work(event: Event) -> None:
    told.rpush("begun", event.message.text)
    time.sleep(float(seconds))
    told.rpush("done", event.message.text)


client = Asyncio(url) if kind == "asyncio" else Blocking(url)
client.consume(work, claim_after=timedelta(seconds=1))
told.rpush("done", "stopped")
