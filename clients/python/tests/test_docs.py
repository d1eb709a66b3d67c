"""Every example in the documentation, run. What an example prints stands in a comment above it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis

from bus import FAILED, KEY, Until, message, pending, put, put_raw
from toaster_events import MessageEvent, consume

README = Path(__file__).parents[1] / "README.md"
DOCS = Path(__file__).parents[3] / "docs" / "consumers.md"
# The package's source distribution is without the fetcher's documentation.
IS_SDIST = Path(__file__).parents[1].joinpath("PKG-INFO").exists()
BLOCK = re.compile(
    r"^ *(?:<!-- (?P<remark>.*) -->\n)? *```(?P<language>\w+)\n(?P<code>(?s:.*?))^ *```$",
    re.MULTILINE,
)
# Where Debian's node-redis is found.
NODE_PATH = os.environ.get("NODE_PATH", "/usr/share/nodejs")


class Example(NamedTuple):
    place: str
    language: str
    code: str
    prints: str


def examples() -> list[Example]:
    found = []
    for path in (README,) if IS_SDIST else (README, DOCS):
        text = path.read_text()
        for block in BLOCK.finditer(text):
            line = text.count("\n", 0, block.start("code")) + 1
            remark = block["remark"] or ""
            # Rust is run by the fetcher's tests, and its settings are tested there too.
            if block["language"] not in ("rust", "toml") and not remark.startswith("not run: "):
                assert remark.startswith("prints: "), f"{path.name}, line {line}, is not tested"
                code, prints = textwrap.dedent(block["code"]), remark.removeprefix("prints: ")
                found.append(Example(f"{path.name}:{line}", block["language"], code, prints))
    return found


def command(language: str) -> list[str]:
    if language == "python":
        return [sys.executable, "-u", "-c"]
    if language == "sh":
        return ["sh", "-euc"]
    assert language == "js", language
    node = shutil.which("node")
    able = node and not subprocess.call(
        [node, "-e", "require('redis')"],
        env={"NODE_PATH": NODE_PATH},
        stderr=subprocess.DEVNULL,
    )
    if not able:
        pytest.skip("needs node and its package redis (in Debian: node-redis)")
    return ["node", "-e"]


@pytest.mark.skipif(IS_SDIST, reason="needs the fetcher's documentation")
def test_the_documented_rights_are_enough(redis: Redis, tcp: str) -> None:
    (rights,) = [it.code for it in examples() if "ACL SETUSER" in it.code]
    subprocess.check_call(["sh", "-euc", rights.replace("redis://localhost:6379", tcp)])
    with Redis.from_url(tcp, username="consumer", password="a-password") as client:
        put_raw(redis, {"data": "put aside"})
        put(redis, "a")
        stop = Until(lambda: bool(redis.exists(KEY)) and bool(tried) and pending(redis) == 0)
        tried: list[str] = []

        def fail_once(event: MessageEvent) -> None:
            tried.append(event.event_id)
            if len(tried) == 1:
                raise RuntimeError("and so it is taken over")

        soon = timedelta(seconds=0.1)
        consumer = consume(
            client, "message", group="g", claim_after=soon, retry_after=soon, stop=stop
        )
        consumer.run(fail_once)
    assert len(tried) == 2
    assert redis.xlen(FAILED) == 1
    redis.acl_deluser("consumer")


@pytest.mark.parametrize("example", examples(), ids=lambda it: it.place)
def test_an_example_prints_what_it_should(redis: Redis, tcp: str, example: Example) -> None:
    put(redis, "Hi!")
    redis.xadd(FAILED, {"data": json.dumps(message("Hi!")), "error": "a-traceback"})
    if "XINFO" in example.code:
        redis.xgroup_create(KEY, "message-handler", "0")
    assert "redis://localhost:6379" in example.code or "TestBroker" in example.code
    process = subprocess.Popen(
        [*command(example.language), example.code.replace("redis://localhost:6379", tcp)],
        env={**os.environ, "NODE_PATH": NODE_PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    printed, end = b"", time.monotonic() + 10
    try:
        while example.prints.encode() not in printed:
            ended = process.poll() is not None
            printed += process.stdout.read() or b""
            if ended or time.monotonic() > end:
                break
            time.sleep(0.02)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    assert example.prints in printed.decode()
