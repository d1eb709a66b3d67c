"""A Redis server of the tests' own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on a socket; pytest's folder is gone with it."""
    socket = tmp_path_factory.mktemp("redis") / "socket"
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--save", "", "--unixsocket", str(socket)],
        stdout=subprocess.DEVNULL,
        cwd=socket.parent,
    )
    try:
        _wait_for(socket)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(socket: Path) -> None:
    for _ in range(500):
        try:
            with Redis(unix_socket_path=str(socket)) as client:
                client.ping()
                return
        except ConnectionError:
            time.sleep(0.02)
    raise TimeoutError("redis-server does not answer")


@pytest.fixture
def redis(server: str) -> Iterator[Redis]:
    """A client of the server, which is empty."""
    with Redis.from_url(server) as client:
        client.flushall()
        yield client
