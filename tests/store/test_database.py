"""Transactions, outages and the clock."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.store.bench import Bench, StoppedClock
from tests.store.conftest import SERVERS

from jobkit.clock import Clock
from jobkit.errors import ConfigurationError, MissingExtra, StoreUnavailable
from jobkit.job import JobState
from jobkit.store import enqueueing, reading
from jobkit.store.database import Database

NOWHERE = "u:hunter2@127.0.0.1:1/jobs"
servers_only = pytest.mark.parametrize("store_url", SERVERS, indirect=True)


def backend(conn: Connection) -> int:
    """Return the number by which the server knows this connection."""
    asked = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    return int(conn.exec_driver_sql(asked[conn.dialect.name]).scalar_one())


def kill(database: Database, number: int) -> None:
    """Cut a connection at the server, as its restart would."""
    verb = "SELECT pg_terminate_backend(%s)" if database.dialect == "postgresql" else "KILL %s"
    other = Database(database.url.render_as_string(hide_password=False), clock=Clock())
    other.write(lambda conn: conn.exec_driver_sql(verb, (number,)).close())
    other.dispose()


def test_what_was_written_is_there(bench: Bench) -> None:
    job = bench.new()

    assert bench.database.write(lambda conn: enqueueing.insert(conn, [job], bench.now)) is None

    assert bench.see(reading.state_of, job.id) is JobState.AVAILABLE


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_error_undoes_the_transaction(bench: Bench, error: type[BaseException]) -> None:
    job = bench.new()
    # A connection that has been read from, where each statement was a transaction of its own.
    bench.see(reading.counts)

    def write(conn: Connection) -> None:
        enqueueing.insert(conn, [job], bench.now)
        raise error

    with pytest.raises(error):
        bench.database.write(write)

    assert bench.see(reading.state_of, job.id) is None
    bench.add()


def test_a_reader_is_not_held_up_by_a_writer(bench: Bench) -> None:
    bench.add()

    def write(conn: Connection) -> int:
        conn.exec_driver_sql("UPDATE jobkit_jobs SET attempt = 9")
        return len(bench.see(reading.find, reading.JobFilter()))

    assert bench.database.write(write) == 1


def test_a_reader_sees_what_was_committed_since(bench: Bench) -> None:
    with bench.database.read() as conn:
        before = reading.counts(conn)
        bench.add()
        after = reading.counts(conn)

    assert (before, after) == ({}, {"default": {JobState.AVAILABLE: 1}})


def test_a_mistake_is_no_outage_and_not_tried_again(bench: Bench) -> None:
    tries = []

    def write(conn: Connection) -> None:
        tries.append(conn)
        conn.exec_driver_sql("SELECT nonsense FROM jobkit_jobs")

    with pytest.raises(DBAPIError):
        bench.database.write(write)
    with pytest.raises(DBAPIError), bench.database.read() as conn:
        conn.exec_driver_sql("SELECT 1 FROM no_such_table")

    assert len(tries) == 1


def test_errors_do_not_quote_payloads(bench: Bench) -> None:
    job = bench.new(payload='"the till code is 4711"')
    bench.do(enqueueing.insert, [job], bench.now)

    with pytest.raises(IntegrityError) as caught:
        bench.do(enqueueing.insert, [job], bench.now)

    assert "4711" not in str(caught.value)


@servers_only
def test_a_deadlock_is_tried_again(bench: Bench) -> None:
    first, second = bench.add(), bench.add()
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    def lock(conn: Connection, id: str) -> None:
        conn.exec_driver_sql("UPDATE jobkit_jobs SET attempt = attempt + 1 WHERE id = %s", (id,))

    def write(one: str, other: str) -> Callable[[Connection], None]:
        def cross(conn: Connection) -> None:
            tries.append(one)
            lock(conn, one)
            if len(tries) <= 2:
                both_hold_one.wait(5)
            lock(conn, other)

        return cross

    crossing = threading.Thread(target=bench.database.write, args=[write(first, second)])
    crossing.start()
    bench.database.write(write(second, first))
    crossing.join()

    assert len(tries) >= 3
    assert [bench.job(id).attempt for id in (first, second)] == [2, 2]


@pytest.mark.parametrize("store_url", SERVERS[:1], indirect=True)
def test_a_lock_that_is_not_given_is_an_outage(store_url: str) -> None:
    holder = Database(store_url, clock=StoppedClock())
    hasty = Database(store_url, clock=StoppedClock(), timeout=0.1)
    bench = Bench(holder, StoppedClock())
    bench.add()
    touch = "UPDATE jobkit_jobs SET attempt = 1"

    def hold(conn: Connection) -> None:
        conn.exec_driver_sql(touch)
        hasty.write(lambda other: other.exec_driver_sql(touch))

    with pytest.raises(StoreUnavailable, match="lock"):
        holder.write(hold)
    holder.dispose()
    hasty.dispose()


@servers_only
def test_a_connection_that_died_in_the_pool_is_replaced(bench: Bench) -> None:
    with bench.database.read() as conn:
        number = backend(conn)
    kill(bench.database, number)

    bench.add()

    assert bench.see(backend) != number


@servers_only
def test_a_look_on_a_connection_that_died_is_taken_again(bench: Bench) -> None:
    number = bench.see(backend)
    kill(bench.database, number)

    assert bench.database.fetch(backend) != number


@servers_only
def test_a_connection_that_lay_idle_is_tried_before_it_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobkit.store.drivers._IDLE", 0.0)
    with bench.database.read() as conn:
        number = backend(conn)
    kill(bench.database, number)

    assert bench.see(backend) != number


@servers_only
def test_a_commit_that_broke_off_says_that_nobody_knows(bench: Bench) -> None:
    job = bench.new()
    tries = []

    def write(conn: Connection) -> None:
        tries.append(conn)
        enqueueing.insert(conn, [job], bench.now)
        kill(bench.database, backend(conn))

    with pytest.raises(StoreUnavailable, match="is not known"):
        bench.database.write(write)

    assert len(tries) == 1
    bench.add()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////",
        pytest.param(f"postgresql://{NOWHERE}?sslmode=disable", marks=pytest.mark.postgres),
        pytest.param(f"mysql://{NOWHERE}", marks=pytest.mark.mariadb),
    ],
)
def test_a_store_that_is_away_is_unavailable(url: str) -> None:
    database = Database(url, clock=Clock(), timeout=1)

    with pytest.raises(StoreUnavailable, match="does not answer") as written:
        database.write(lambda conn: None)
    with pytest.raises(StoreUnavailable, match="does not answer") as read, database.read():
        raise AssertionError("there is nothing to read")

    for caught in (written, read):
        assert "hunter2" not in str(caught.value)
        assert "sslmode" not in str(caught.value)


def test_a_busy_sqlite_file_is_waited_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", clock=Clock())
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    locked, order = threading.Event(), []

    def hold(conn: Connection) -> None:
        locked.set()
        time.sleep(0.1)
        order.append("first")

    holder = threading.Thread(target=database.write, args=[hold])
    holder.start()
    locked.wait()
    database.write(lambda conn: order.append("second"))
    holder.join()
    database.dispose()

    assert order == ["first", "second"]


def test_a_sqlite_file_that_stays_busy_is_unavailable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
    holder, hasty = Database(url, clock=Clock()), Database(url, clock=Clock(), timeout=0.05)

    with pytest.raises(StoreUnavailable, match="locked"):
        holder.write(lambda conn: hasty.write(lambda other: None))
    holder.dispose()
    hasty.dispose()


def test_a_commit_that_finds_the_file_busy_is_tried_again(tmp_path: Path) -> None:
    # In WAL mode this needs a file that another program switched back.
    path = tmp_path / "jobs.sqlite3"
    database = Database(f"sqlite:///{path}", clock=Clock(), timeout=0.5)
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    database.dispose()
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("PRAGMA journal_mode = DELETE")
    tries = []

    def write(conn: Connection) -> None:
        conn.exec_driver_sql("INSERT INTO t VALUES (1)")
        tries.append(conn)
        if len(tries) > 1:
            reader.execute("COMMIT")
        else:
            conn.exec_driver_sql("PRAGMA busy_timeout = 10")
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM t").fetchall()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jobkit.store.drivers._switch_to_wal", lambda *_: None)
        database.write(write)
    counted = reader.execute("SELECT count(*) FROM t").fetchone()
    reader.close()
    database.dispose()

    assert len(tries) == 2
    assert counted == (1,)


def test_a_sqlite_store_is_durable_and_its_own(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "jobs.sqlite3"
    database = Database(f"sqlite:///{path}", clock=Clock())
    pragmas = ("journal_mode", "synchronous", "foreign_keys")

    def read(conn: Connection) -> list[Any]:
        return [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]

    assert database.write(read) == ["wal", 2, 1]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    database.dispose()


def test_a_transaction_on_sqlite_is_a_writing_one_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    database = Database(f"sqlite:///{path}", clock=Clock())

    def write(conn: Connection) -> None:
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()

    database.write(write)
    database.dispose()


def test_a_folder_that_cannot_be_made_is_a_fault_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(f"sqlite:///{tmp_path / 'file' / 'jobs.sqlite3'}", clock=Clock())

    with pytest.raises(ConfigurationError, match="cannot be made"):
        database.write(lambda conn: None)


def test_a_store_in_memory_lasts_as_long_as_its_database() -> None:
    database = Database("sqlite://", clock=Clock(), pool_size=4)
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))

    count = database.write(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM t").scalar())

    assert count == 0
    database.dispose()


def test_a_process_holds_no_more_connections_than_allowed(store_url: str) -> None:
    database = Database(store_url, clock=StoppedClock(), pool_size=2, timeout=0.05)

    with database.read(), database.read():
        assert database.engine.pool.checkedout() == 2  # type: ignore[attr-defined]
        with pytest.raises(StoreUnavailable, match="limit of size 2"), database.read():
            raise AssertionError("a third connection")
    with database.read():
        pass
    database.dispose()


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'new' / 'jobs.sqlite3'}", clock=Clock())

    assert list(tmp_path.iterdir()) == []


def test_the_first_use_synchronises_the_clock(store_url: str) -> None:
    clock = Clock()
    clock.synchronise(1_000_000.0)
    clock._synchronised = False
    database = Database(store_url, clock=clock)

    at = database.write(lambda conn: clock.time())

    assert abs(at - time.time()) < 60
    assert abs(clock.skew) < 60
    assert not clock.due
    database.dispose()


def test_the_clock_is_synchronised_again_when_it_is_due(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    database = Database(store_url, clock=clock)
    told: list[float] = []
    monkeypatch.setattr(clock, "synchronise", told.append)

    for _ in range(2):
        with database.read():
            pass
        database.write(lambda conn: None)
    assert len(told) == 4
    Clock.synchronise(clock, told[-1])
    database.write(lambda conn: None)

    assert len(told) == 4
    database.dispose()


def test_the_servers_time_is_not_taken_for_a_local_one(store_url: str) -> None:
    clock = Clock()
    database = Database(store_url, clock=clock)

    with database.read():
        pass

    assert abs(clock.time() - time.time()) < 60
    database.dispose()


@pytest.mark.parametrize("url", ["", "jobs.db", "://", "postgresql:/hunter2@"])
def test_a_text_that_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SQLAlchemy URL") as caught:
        Database(url, clock=Clock())

    assert "hunter2" not in str(caught.value)


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not in oracle"):
        Database("oracle://u:hunter2@db/x", clock=Clock())


@pytest.mark.parametrize(
    ("url", "extra"), [("postgresql://db/x", "postgres"), ("mariadb://db/x", "mysql")]
)
def test_a_driver_that_is_missing_is_named(
    url: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobkit.store.drivers.find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=rf"jobkit-tasks\[{extra}\]"):
        Database(url, clock=Clock())


@pytest.mark.parametrize(
    ("url", "driver", "dialect"),
    [
        ("sqlite:///jobs.sqlite3", "sqlite", "sqlite"),
        ("postgres://u@db/x", "postgresql+psycopg", "postgresql"),
        ("postgresql://u@db/x", "postgresql+psycopg", "postgresql"),
        ("postgresql+psycopg2://u@db/x", "postgresql+psycopg2", "postgresql"),
        ("mysql://u@db/x", "mysql+pymysql", "mysql"),
        ("mariadb://u@db/x", "mysql+pymysql", "mysql"),
        ("mariadb+pymysql://u@db/x", "mysql+pymysql", "mysql"),
    ],
)
def test_a_url_needs_no_driver(
    url: str, driver: str, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobkit.store.drivers.find_spec", lambda name: True)

    database = Database(url, clock=Clock())

    assert (database.url.drivername, database.dialect) == (driver, dialect)


def test_a_database_shows_itself_without_its_password() -> None:
    database = Database("sqlite:///jobs.sqlite3?password=hunter2", clock=Clock())

    assert str(database) == "sqlite:///jobs.sqlite3"
