"""A store of each kind: every test of the contract runs on all three."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import fresh_database
from tests.store.bench import Bench, StoppedClock

from jobkit.clock import Clock
from jobkit.store.database import Database
from jobkit.store.migrating import upgrade
from jobkit.store.schema import metadata

EVERY_STORE = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgres),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
SERVERS = EVERY_STORE[1:]


@pytest.fixture(params=EVERY_STORE)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a migrated store without jobs."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "jobs.sqlite3")
        return f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
    url: str = request.getfixturevalue(f"{request.param}_store")
    database = Database(url, clock=Clock())
    for table in reversed(metadata.sorted_tables):
        database.write(lambda conn, table=table: conn.execute(table.delete()))
    database.dispose()
    return url


@pytest.fixture
def database(store_url: str, clock: StoppedClock) -> Iterator[Database]:
    """Give a store without jobs."""
    database = Database(store_url, clock=clock, pool_size=4)
    yield database
    database.dispose()


@pytest.fixture
def clock() -> StoppedClock:
    """Give a clock that stands still."""
    return StoppedClock()


@pytest.fixture
def bench(database: Database, clock: StoppedClock) -> Bench:
    """Give a store and the words to work on it."""
    return Bench(database, clock)


@pytest.fixture(params=EVERY_STORE)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'jobs.sqlite3'}"
        return
    with fresh_database(request.param) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file: copying it is quicker than migrating again."""
    path = tmp_path_factory.mktemp("store") / "template.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_store(postgres_url: str) -> str:
    """Give a migrated PostgreSQL database."""
    return _migrate(postgres_url)


@pytest.fixture(scope="session")
def mariadb_store(mariadb_url: str) -> str:
    """Give a migrated MariaDB database."""
    return _migrate(mariadb_url)


def _migrate(url: str) -> str:
    database = Database(url, clock=Clock())
    upgrade(database)
    database.dispose()
    return url
