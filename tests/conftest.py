"""The servers that tests may use. Each is skipped when it does not answer.

With JOBKIT_REQUIRE_SERVICES=1 a server that does not answer is a failure: in continuous integration
a skipped test proves nothing. JOBKIT_TEST_POSTGRES, JOBKIT_TEST_MARIADB, JOBKIT_TEST_REDIS and
JOBKIT_TEST_RABBITMQ say where the servers are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from urllib.parse import urlsplit

import pytest
from tests.servers import fresh_database, missing


def pytest_configure(config: pytest.Config) -> None:
    """Load jobkit's own plugin in a bare checkout; installed, it comes by its entry point."""
    if not config.pluginmanager.has_plugin("jobkit"):
        config.pluginmanager.register(import_module("jobkit.testing.plugin"), "jobkit")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database of this session's own."""
    with fresh_database("postgresql") as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Give the URL of an empty MariaDB or MySQL database of this session's own."""
    with fresh_database("mariadb") as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Give the URL of an empty numbered database of a Redis or Valkey server."""
    import redis

    server = os.environ.get("JOBKIT_TEST_REDIS", "redis://127.0.0.1:6379")
    for number in range(1, 16):
        with redis.Redis.from_url(f"{server}/{number}", socket_connect_timeout=2) as client:
            try:
                # The mark keeps out the tests of another session on the same server.
                mine = client.dbsize() == 0 and client.set("jobkit-tests", 1, nx=True, ex=3600)
            except redis.RedisError as error:
                missing("Redis", error)
            if mine:
                yield f"{server}/{number}"
                client.flushdb()
                return
    missing("Redis", "none of its databases 1 to 15 is empty")


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """Give the URL of a RabbitMQ server; what a test declares there needs a name of its own."""
    import amqp

    url = os.environ.get("JOBKIT_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
    parts = urlsplit(url)
    connection = amqp.Connection(
        f"{parts.hostname}:{parts.port or 5672}",
        userid=parts.username or "guest",
        password=parts.password or "guest",
        connect_timeout=2,
    )
    try:
        connection.connect()
    except OSError as error:
        missing("RabbitMQ", error)
    connection.close()
    return url
