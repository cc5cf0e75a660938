from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.embedded.processes import Starter, end_server

from jobkit.embedded import EmbeddedServer, ServerBinary, find_server
from jobkit.embedded.binary import inspect_server
from jobkit.errors import EmbeddedServerError


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def binary() -> ServerBinary:
    """The server that jobkit would choose here."""
    try:
        return find_server()
    except EmbeddedServerError as error:
        _missing(error.message)
        raise


@pytest.fixture(scope="session")
def redis_binary() -> ServerBinary:
    """A server of the other flavour."""
    try:
        found = inspect_server("redis-server")
    except EmbeddedServerError as error:
        pytest.skip(error.message)
    if found.flavour != "redis":
        pytest.skip(f"redis-server on PATH is {found}")
    return found


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder, not yet made, whose path is short enough for a socket."""
    parent = Path(tempfile.mkdtemp(prefix="jobkit-test-"))
    yield parent / "broker"
    end_server(parent / "broker")
    shutil.rmtree(parent)


@pytest.fixture
def new_server(binary: ServerBinary) -> Iterator[Callable[..., EmbeddedServer]]:
    """Make servers that are stopped at the end."""
    made = []

    def make(data_dir: Path, binary: ServerBinary | str = binary, **how: Any) -> EmbeddedServer:
        made.append(EmbeddedServer(data_dir, binary, **how))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def new_starter(binary: ServerBinary) -> Iterator[Callable[..., Starter]]:
    """Start processes that are ended at the end."""
    made = []

    def make(data_dir: Path, **environment: str) -> Starter:
        made.append(Starter(data_dir, binary.path, **environment))
        return made[-1]

    yield make
    for starter in made:
        starter.kill()


@pytest.fixture
def talk() -> Iterator[Callable[[EmbeddedServer], redis.Redis]]:
    """Open clients that are closed at the end."""
    made: list[redis.Redis] = []

    def connect(server: EmbeddedServer) -> redis.Redis:
        made.append(redis.Redis(unix_socket_path=os.fspath(server.socket), decode_responses=True))
        return made[-1]

    yield connect
    for client in made:
        client.close()
