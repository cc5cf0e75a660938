"""Stores in processes that fork."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.store.bench import Bench
from tests.store.children import fork
from tests.store.conftest import SERVERS

from jobkit.clock import Clock
from jobkit.errors import StoreUnavailable
from jobkit.job import JobState
from jobkit.store import changing, reading
from jobkit.store.database import Database
from jobkit.store.forking import ForkGate, _watch

servers_only = pytest.mark.parametrize("store_url", SERVERS, indirect=True)
sqlite_only = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobkit.store.forking.PATIENCE", 0.1)


def number(conn: Connection) -> int:
    asked = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    return int(conn.exec_driver_sql(asked[conn.dialect.name]).scalar_one())


def refusal(bench: Bench) -> str:
    """Return why the store cannot be used."""
    with pytest.raises(StoreUnavailable) as caught:
        bench.add()
    return caught.value.message


def sound(bench: Bench) -> bool:
    return bench.see(lambda conn: conn.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"


def test_parent_and_child_both_go_on(bench: Bench) -> None:
    before = bench.add()

    def work() -> tuple[str, JobState | None]:
        return bench.add(id="made by the child"), bench.see(reading.state_of, before)

    child = fork(work)
    after = bench.add()

    assert child.result() == ("made by the child", JobState.AVAILABLE)
    states = [bench.see(reading.state_of, id) for id in (before, after, "made by the child")]
    assert states == [JobState.AVAILABLE] * 3


def test_a_child_may_fork_again(bench: Bench) -> None:
    bench.add()

    assert fork(lambda: fork(lambda: bench.add(id="grandchild")).result()).result() == "grandchild"

    assert bench.see(reading.state_of, "grandchild") is JobState.AVAILABLE


@servers_only
def test_a_child_opens_a_connection_of_its_own(bench: Bench) -> None:
    mine = bench.see(number)

    theirs = fork(lambda: bench.see(number)).result()

    assert theirs != mine
    assert bench.see(number) == mine


@servers_only
def test_a_child_that_ends_does_not_hang_up_for_its_parent(bench: Bench) -> None:
    with bench.database.read() as conn:
        mine = number(conn)
        fork(lambda: bench.see(reading.counts)).result()

        assert number(conn) == mine


@sqlite_only
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux")
def test_no_sqlite_file_is_open_at_a_fork(bench: Bench) -> None:
    bench.add()

    def open_files() -> list[str]:
        links = (os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd"))
        return [link for link in links if "jobs.sqlite3" in link]

    assert open_files()
    assert fork(open_files).result() == []


@sqlite_only
def test_the_lock_of_a_child_holds_against_its_parent(bench: Bench) -> None:
    # Were the parent's connection inherited, the child's would close with it and drop the lock.
    bench.add()
    inside, go_on = os.pipe(), os.pipe()

    def hold(conn: Connection) -> None:
        conn.exec_driver_sql("UPDATE jobkit_jobs SET attempt = 7")
        os.write(inside[1], b"x")
        os.read(go_on[0], 1)

    child = fork(lambda: bench.database.write(hold))
    os.read(inside[0], 1)
    other = sqlite3.connect(str(bench.database.url.database), timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    os.write(go_on[1], b"x")
    child.result()
    for end in (*inside, *go_on):
        os.close(end)

    assert [job.attempt for job in bench.see(reading.find, reading.JobFilter())] == [7]


@sqlite_only
def test_forks_amid_writing_threads_do_no_harm(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobkit.store.forking.PATIENCE", 5.0)
    stop = threading.Event()
    written: list[int] = []

    def write(name: int) -> None:
        count = 0
        while not stop.is_set():
            bench.add(id=f"thread {name} job {count}")
            count += 1
        written.append(count)

    threads = [threading.Thread(target=write, args=[name]) for name in range(3)]
    for thread in threads:
        thread.start()
    children = [fork(lambda name=name: bench.add(id=f"child {name}")) for name in range(12)]
    told = [child.result() for child in children]
    stop.set()
    for thread in threads:
        thread.join()

    assert told == [f"child {name}" for name in range(12)]
    assert bench.see(reading.counts) == {"default": {JobState.AVAILABLE: sum(written) + 12}}
    assert sound(bench)


@sqlite_only
def test_a_child_forked_inside_a_transaction_keeps_away(bench: Bench) -> None:
    id = bench.add()

    def cancel_and_fork(conn: Connection) -> str:
        changing.cancel(conn, id, bench.now)
        return fork(lambda: refusal(bench)).result()

    told = bench.database.write(cancel_and_fork)

    assert "forked while a transaction was open" in told
    assert bench.job(id).state is JobState.CANCELLED
    assert sound(bench)


@sqlite_only
def test_a_fork_does_not_wait_for_ever(bench: Bench) -> None:
    bench.add()
    inside, go_on = threading.Event(), threading.Event()

    def linger(conn: Connection) -> None:
        inside.set()
        go_on.wait(5)

    lingering = threading.Thread(target=bench.database.write, args=[linger])
    lingering.start()
    inside.wait()
    child = fork(lambda: refusal(bench))
    go_on.set()
    lingering.join()

    assert "forked while a transaction was open" in child.result()
    bench.add()


def test_a_store_in_memory_is_copied_to_the_child() -> None:
    database = Database("sqlite://", clock=Clock())
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    count = "SELECT count(*) FROM t"

    child = fork(lambda: database.write(lambda conn: conn.exec_driver_sql(count).scalar()))

    assert child.result() == 0
    database.dispose()


def test_a_gate_lets_those_inside_further_in() -> None:
    gate = ForkGate()
    told = []

    def nest() -> None:
        with gate:
            inside.set()
            closing.wait(5)
            with gate:
                told.append("further in")

    inside, closing = threading.Event(), threading.Event()
    nesting = threading.Thread(target=nest)
    nesting.start()
    inside.wait()
    threading.Timer(0.02, closing.set).start()
    at_rest = gate.close(patience=5)
    gate.open()
    nesting.join()

    assert at_rest
    assert told == ["further in"]


def test_a_closed_gate_keeps_newcomers_out() -> None:
    gate = ForkGate()
    order = []

    def come() -> None:
        with gate:
            order.append("came in")

    assert gate.close()
    coming = threading.Thread(target=come)
    coming.start()
    coming.join(0.05)
    order.append("opened")
    gate.open()
    coming.join()

    assert order == ["opened", "came in"]


def test_a_database_that_is_gone_is_not_told_of_forks() -> None:
    before = len(_watch.watched)
    database = Database("sqlite://", clock=Clock())
    assert len(_watch.watched) == before + 1

    del database

    assert len(_watch.watched) <= before
