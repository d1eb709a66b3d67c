"""A Redis server of the tests' own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on a socket; pytest's folder is gone with it."""
    path = tmp_path_factory.mktemp("redis") / "socket"
    process = subprocess.Popen(
        [
            os.environ.get("TEST_REDIS_SERVER", "redis-server"),
            *("--port", str(free_port()), "--save", "", "--unixsocket", str(path)),
        ],
        stdout=subprocess.DEVNULL,
        cwd=path.parent,
    )
    try:
        _wait_for(path)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(path: Path) -> None:
    for _ in range(500):
        try:
            with Redis(unix_socket_path=str(path)) as client:
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


@pytest.fixture
def tcp(redis: Redis) -> str:
    """The same server's address for clients that know no sockets."""
    settings: Any = redis.config_get("port")
    return f"redis://127.0.0.1:{settings['port']}"
