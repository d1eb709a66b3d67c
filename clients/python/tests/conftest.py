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
from redis.exceptions import BusyLoadingError, ConnectionError


class Server:
    """A redis-server with its socket and its data in a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"unix://{folder}/socket"
        self._folder, self._options = folder, options
        self.start()

    def start(self) -> None:
        program = os.environ.get("TEST_REDIS_SERVER", "redis-server")
        fixed = ["--port", str(self.port), "--save", "", "--unixsocket", f"{self._folder}/socket"]
        self._process = subprocess.Popen(
            [program, *fixed, *self._options], stdout=subprocess.DEVNULL, cwd=self._folder
        )
        _wait_for(self.url)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on a socket; pytest's folder is gone with it."""
    server = Server(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.kill()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    """A server to be killed and started again, which keeps its data."""
    server = Server(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a cluster of one."""
    server = Server(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes")
    with Redis.from_url(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO", NEVER_DECODE=True):
            time.sleep(0.02)
    yield server.port
    server.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(url: str) -> None:
    for _ in range(500):
        try:
            with Redis.from_url(url) as client:
                client.ping()
                return
        except (ConnectionError, BusyLoadingError):
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
