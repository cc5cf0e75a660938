"""Jobs in the host's own transactions, on every database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from tests.store.conftest import SERVERS

from jobkit.app import Jobkit
from jobkit.errors import EnqueueError, JobNotFound, NotCommitted, WrongDatabase
from jobkit.payload import Payload
from jobkit.settings import Settings
from jobkit.store.drivers import normalise
from jobkit.task import TaskSet
from jobkit.testing import drain


class Order(Payload):
    """Which order it is about."""

    number: int


tasks = TaskSet("shop")


@tasks.task()
def confirm(payload: Order) -> int:
    """Confirm an order."""
    return payload.number


@tasks.task(unique_by=("number",))
def pack(payload: Order) -> None:
    """Pack an order."""


@tasks.task(durable=False)
def cheap(payload: Order) -> None:
    """Be in no store."""


class Bell:
    """Listen to the rings."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, int]] = []

    def __call__(self, queue: str, times: int) -> None:
        self.rung.append((queue, times))

    def settled(self) -> list[tuple[str, int]]:
        """Return the rings once no thread is about to ring."""
        ringing = [one for one in threading.enumerate() if one.name == "jobkit-after-commit"]
        for thread in ringing:
            thread.join(5)
        return self.rung


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def jobs(store_url: str, tmp_path: Path, bell: Bell) -> Iterator[Jobkit]:
    settings = Settings(store_url=store_url, data_dir=tmp_path)
    app = Jobkit(settings, tasks=[tasks], ringer=bell)
    app.start()
    yield app
    app.close()


def host_engine(url: str) -> Engine:
    """Return an engine as a host has it, savepoints on SQLite included."""
    engine = create_engine(normalise(url))
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def leave_begin_to_us(connection: Any, _: object) -> None:
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def begin(conn: Connection) -> None:
            conn.exec_driver_sql("BEGIN")

    return engine


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    engine = host_engine(store_url)
    with engine.begin() as conn:
        conn.execute(text("DROP TABLE IF EXISTS shop_orders"))
        conn.execute(text("CREATE TABLE shop_orders (number INTEGER PRIMARY KEY)"))
    yield engine
    with engine.begin() as conn:
        conn.execute(text("DROP TABLE shop_orders"))
    engine.dispose()


ORDER = text("INSERT INTO shop_orders VALUES (7)")


def orders(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(conn.execute(text("SELECT count(*) FROM shop_orders")).scalar_one())


Open = Callable[[Engine], Any]
hosts = pytest.mark.parametrize(
    "open_host",
    [Engine.connect, Session, lambda engine: scoped_session(sessionmaker(engine))],
    ids=["connection", "session", "scoped session"],
)


@hosts
def test_a_job_is_committed_with_the_hosts_rows(
    jobs: Jobkit, engine: Engine, bell: Bell, open_host: Open
) -> None:
    host = open_host(engine)
    host.execute(ORDER)
    handle = jobs.enqueue(confirm, Order(number=7), connection=host)
    assert bell.rung == []
    assert not jobs.find()

    host.commit()

    assert bell.settled() == [("shop", 1)]
    assert orders(engine) == 1
    host.close()
    drain(jobs)
    assert handle.result(timeout=0) == 7


@hosts
def test_a_job_is_rolled_back_with_the_hosts_rows(
    jobs: Jobkit, engine: Engine, bell: Bell, open_host: Open
) -> None:
    host = open_host(engine)
    host.execute(ORDER)
    handle = jobs.enqueue(confirm, Order(number=7), connection=host)

    host.rollback()

    host.close()
    assert bell.settled() == []
    assert orders(engine) == 0
    assert jobs.find() == []
    with pytest.raises(JobNotFound):
        handle.wait(timeout=0)


def test_a_session_that_is_only_closed_commits_nothing(
    jobs: Jobkit, engine: Engine, bell: Bell
) -> None:
    with Session(engine) as session:
        jobs.enqueue(confirm, Order(number=7), connection=session)

    assert jobs.find() == []
    assert bell.settled() == []


def test_one_ring_for_all_of_a_transaction(jobs: Jobkit, engine: Engine, bell: Bell) -> None:
    with engine.begin() as conn:
        jobs.enqueue_many(confirm, [Order(number=n) for n in range(3)], connection=conn)
        jobs.enqueue(confirm, Order(number=3), connection=conn)
        jobs.enqueue(confirm, Order(number=4), connection=conn, queue="rush")
        jobs.enqueue(confirm, Order(number=5), connection=conn, delay=60)

    assert sorted(bell.settled()) == [("rush", 1), ("shop", 4)]
    assert len(jobs.find()) == 6


def test_the_next_transaction_of_a_connection_rings_for_itself(
    jobs: Jobkit, engine: Engine, bell: Bell
) -> None:
    with engine.connect() as conn:
        jobs.enqueue(confirm, Order(number=1), connection=conn)
        conn.commit()
        conn.execute(text("SELECT 1"))
        conn.commit()
        assert bell.settled() == [("shop", 1)]
        jobs.enqueue(confirm, Order(number=2), connection=conn)
        conn.rollback()
        jobs.enqueue(confirm, Order(number=3), connection=conn)
        conn.commit()

    assert bell.settled() == [("shop", 1), ("shop", 1)]
    assert len(jobs.find()) == 2


def test_a_savepoint_takes_back_what_was_enqueued_in_it(
    jobs: Jobkit, engine: Engine, bell: Bell
) -> None:
    with engine.begin() as conn:
        jobs.enqueue(confirm, Order(number=1), connection=conn)
        with conn.begin_nested():
            jobs.enqueue(confirm, Order(number=2), connection=conn)
            inner = conn.begin_nested()
            jobs.enqueue_many(confirm, [Order(number=3)] * 5, connection=conn)
            inner.rollback()

    assert bell.settled() == [("shop", 2)]
    assert len(jobs.find()) == 2


def test_a_savepoint_that_began_before_the_first_job_counts_too(
    jobs: Jobkit, engine: Engine, bell: Bell
) -> None:
    with Session(engine) as session, session.begin():
        nested = session.begin_nested()
        handle = jobs.enqueue(confirm, Order(number=1), connection=session)
        nested.rollback()

    assert bell.settled() == []
    with pytest.raises(JobNotFound):
        handle.job()


ASKING: list[Callable[[Any], Any]] = [
    lambda handle: handle.wait(timeout=5),
    lambda handle: handle.result(timeout=5),
    lambda handle: asyncio.run(handle.await_(timeout=5)),
    lambda handle: asyncio.run(handle.aresult(timeout=5)),
    lambda handle: handle.state,
    lambda handle: handle.cancel(),
    lambda handle: handle.retry(),
]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("ask", ASKING)
def test_nobody_waits_inside_of_the_transaction(
    jobs: Jobkit, engine: Engine, ask: Callable[[Any], Any]
) -> None:
    with engine.begin() as conn, conn.begin_nested():
        handle = jobs.enqueue(confirm, Order(number=1), connection=conn)

        with pytest.raises(NotCommitted, match="commit first"):
            ask(handle)


def test_a_unique_job_is_found_in_the_same_transaction_and_in_others(
    jobs: Jobkit, engine: Engine
) -> None:
    first = jobs.enqueue(pack, Order(number=1))
    with engine.begin() as conn:
        second = jobs.enqueue(pack, Order(number=1), connection=conn)
        third = jobs.enqueue(pack, Order(number=2), connection=conn)
        fourth = jobs.enqueue(pack, Order(number=2), connection=conn)

    assert (second.id, second.duplicate) == (first.id, True)
    assert (fourth.id, fourth.duplicate) == (third.id, True)
    assert len(jobs.find()) == 2


# PostgreSQL tells a transaction of that kind to begin again.
@pytest.mark.parametrize("store_url", SERVERS[1:], indirect=True)
def test_a_unique_job_stored_since_the_hosts_snapshot_is_found(
    jobs: Jobkit, engine: Engine
) -> None:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        conn.execute(text("SELECT count(*) FROM jobkit_jobs"))
        first = jobs.enqueue(pack, Order(number=1))
        second = jobs.enqueue(pack, Order(number=1), connection=conn)
        conn.commit()

    assert second.id == first.id


@pytest.mark.parametrize("store_url", SERVERS[1:], indirect=True)
def test_a_host_may_call_mariadb_by_its_name(jobs: Jobkit, store_url: str) -> None:
    engine = create_engine(normalise(store_url).set(drivername="mariadb+pymysql"))
    with engine.begin() as conn:
        first = jobs.enqueue(pack, Order(number=1), connection=conn)
        second = jobs.enqueue(pack, Order(number=1), connection=conn)
    engine.dispose()

    assert second.id == first.id
    assert [job.id for job in jobs.find()] == [first.id]


# Refusals


def test_another_database_is_refused(jobs: Jobkit, tmp_path: Path) -> None:
    other = create_engine(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    with other.connect() as conn, pytest.raises(WrongDatabase, match=r"other\.sqlite3"):
        jobs.enqueue(confirm, Order(number=1), connection=conn)
    other.dispose()


@pytest.mark.parametrize("store_url", SERVERS, indirect=True)
def test_another_database_of_the_same_server_is_refused(jobs: Jobkit, store_url: str) -> None:
    here = normalise(store_url)
    elsewhere = {"postgresql": "postgres", "mysql": "mysql"}[here.get_backend_name()]
    other = create_engine(here.set(database=elsewhere))
    with other.connect() as conn:
        with pytest.raises(WrongDatabase, match="without it, after the commit") as refused:
            jobs.enqueue(confirm, Order(number=1), connection=conn)
        # The host's transaction goes on.
        assert conn.execute(text("SELECT 1")).scalar() == 1
    other.dispose()
    assert here.password is None or here.password not in str(refused.value)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("given", ["a url", 7])
def test_what_is_no_connection_is_refused(jobs: Jobkit, given: Any) -> None:
    with pytest.raises(EnqueueError, match="connection takes a SQLAlchemy Connection"):
        jobs.enqueue("shop.confirm", number=1, connection=given)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_job_that_is_not_stored_is_in_no_transaction(jobs: Jobkit, engine: Engine) -> None:
    with engine.connect() as conn, pytest.raises(EnqueueError, match="is not durable"):
        jobs.enqueue(cheap, Order(number=1), connection=conn)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_connection_of_the_wrong_kind_names_the_right_call(jobs: Jobkit, engine: Engine) -> None:
    class Alike:
        sync_session = None

    with pytest.raises(EnqueueError, match=r"await jobs\.aenqueue"):
        jobs.enqueue("shop.confirm", number=1, connection=Alike())
    with engine.connect() as conn, pytest.raises(EnqueueError, match="takes an AsyncSession"):
        asyncio.run(jobs.aenqueue("shop.confirm", number=1, connection=conn))


# Asynchronous hosts


def async_url(store_url: str) -> str:
    url = normalise(store_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite+aiosqlite")
    return url.render_as_string(hide_password=False)


@pytest.mark.skipif(
    find_spec("greenlet") is None or find_spec("aiosqlite") is None,
    reason="asynchronous SQLAlchemy needs greenlet, and SQLite aiosqlite",
)
@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("kind", ["session", "connection"])
@pytest.mark.parametrize(
    "store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_an_asynchronous_host_has_transactions_too(
    jobs: Jobkit, store_url: str, bell: Bell, kind: str, commits: bool
) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    async def host() -> Any:
        engine = create_async_engine(async_url(store_url))
        async with AsyncSession(engine) if kind == "session" else engine.connect() as own:
            handle = await jobs.aenqueue(confirm, Order(number=7), connection=own)
            with pytest.raises(NotCommitted):
                await handle.await_(timeout=5)
            await (own.commit() if commits else own.rollback())
        await engine.dispose()
        return handle

    handle = asyncio.run(host())

    assert bell.settled() == ([("shop", 1)] if commits else [])
    assert [job.id for job in jobs.find()] == ([handle.id] if commits else [])


def test_the_bell_rings_only_after_the_commit(jobs: Jobkit, engine: Engine, bell: Bell) -> None:
    seen: list[int] = []
    jobs._ringer = lambda queue, times: seen.append(len(jobs.find()))

    with engine.begin() as conn:
        jobs.enqueue(confirm, Order(number=1), connection=conn)

    bell.settled()
    assert seen == [1]
