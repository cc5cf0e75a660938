"""Hot statements read an index, however long the history has grown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select
from tests.store.bench import Bench, StoppedClock, failure
from tests.store.conftest import EVERY_STORE

from jobkit.job import new_job_id
from jobkit.store import (
    claims,
    effects,
    enqueueing,
    keeping,
    outcomes,
    progress,
    reading,
    retention,
    schema,
    steps,
    watching,
)
from jobkit.store.database import Database
from jobkit.store.reading import JobFilter
from jobkit.store.schema import jobs

HISTORY = 50_000
PARTIAL = ("ix_jobkit_jobs_line", "ix_jobkit_jobs_due", "ix_jobkit_jobs_held")
TASKS = [f"family.task_{n}" for n in range(30)]
QUEUES = ["default", "mail", "slow"]


def busy(store: Any) -> Any:
    """Return the same store with the statistics of a busy night."""
    return pytest.param(f"{store.values[0]} busy", marks=store.marks)


@pytest.fixture(scope="module", params=[*EVERY_STORE, *(busy(one) for one in EVERY_STORE[1:])])
def old_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """Give a store with a long history and a few hundred jobs of each other kind.

    The planner's statistics are of a quiet night, when all had ended, or of a busy one, when none
    had.
    """
    kind, _, night = request.param.partition(" ")
    url = request.getfixturevalue({"sqlite": "sqlite_template"}.get(kind, f"{kind}_store"))
    if kind == "sqlite":
        path = tmp_path_factory.mktemp("old") / "jobs.sqlite3"
        path.write_bytes(url.read_bytes())
        url = f"sqlite:///{path}"
    clock = StoppedClock()
    database = Database(url, clock=clock, timeout=60)
    bench = Bench(database, clock)
    bench.do(lambda conn: conn.execute(jobs.delete()))
    for first in range(0, HISTORY, 10_000):
        bench.do(fill, bench, "available" if night else "completed", 10_000, first)
    analyze(bench)
    ended = jobs.update().values(state="completed", finished_at=jobs.c.scheduled_at)
    bench.do(lambda conn: conn.execute(ended))
    for state in ("available", "scheduled", "retryable", "executing"):
        bench.do(fill, bench, state, 300, HISTORY)
    yield bench
    bench.do(lambda conn: conn.execute(jobs.delete()))
    analyze(bench)
    database.dispose()


def fill(conn: Connection, bench: Bench, state: str, number: int, first: int) -> None:
    rows = []
    for n in range(first, first + number):
        job = bench.new(
            id=new_job_id(bench.clock.seconds + n),
            task=TASKS[n % len(TASKS)],
            queue=QUEUES[n % len(QUEUES)],
            tenant_id=f"tenant-{n % 50}",
            foreign_id=f"foreign-{state}-{n}" if n % 10 == 0 else None,
        )
        row = enqueueing._row(job, bench.now) | {"state": state, "claim_token": "t", "worker": "w"}
        row["scheduled_at"] = bench.now + timedelta(seconds=n % 100)
        rows.append(row)
    conn.execute(insert(jobs), rows)


def add_effects(conn: Connection, bench: Bench) -> None:
    """Give a thousand jobs ten effects each that were done."""
    done = {"claim_token": "t", "attempt": 1, "intended_at": bench.now, "done_at": bench.now}
    ids = list(conn.execute(select(jobs.c.id).limit(1000)).scalars())
    rows = [
        {"job_id": id, "key": str(n), "outcome": "done", **done} for id in ids for n in range(10)
    ]
    conn.execute(insert(schema.effects), rows)


def analyze(bench: Bench, table: str = "jobkit_jobs") -> None:
    verb = "ANALYZE TABLE" if bench.database.dialect == "mysql" else "ANALYZE"
    bench.do(lambda conn: conn.exec_driver_sql(f"{verb} {table}").close())


def assert_cheap(bench: Bench, fn: Callable[..., Any], *args: Any, **kw: Any) -> None:
    """Check that *fn* reads neither the history nor, to sort it, a whole line.

    PostgreSQL and SQLite tell how they mean to carry out a statement. MariaDB's plans leave limits
    out of account, but it counts the rows that it has read.
    """
    with undone(bench) as conn:
        if bench.database.dialect == "mysql":
            before = rows_read(conn)
            fn(conn, *args, **kw)
            assert rows_read(conn) - before < HISTORY / 25
            return
        for plan in plans(conn, fn, *args, **kw):
            lines = plan.splitlines()
            assert not [line for line in lines if "Seq Scan on jobkit_jobs" in line], plan
            whole = [line for line in lines if line.strip().startswith("SCAN jobkit_jobs")]
            assert not [line for line in whole if not any(one in line for one in PARTIAL)], plan


def assert_ordered(bench: Bench, fn: Callable[..., Any], *args: Any, **kw: Any) -> None:
    """Check that *fn* is cheap and gets its order from an index, sorting nothing."""
    assert_cheap(bench, fn, *args, **kw)
    if bench.database.dialect == "mysql":
        return
    with undone(bench) as conn:
        for plan in plans(conn, fn, *args, **kw):
            assert "Sort" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan


@contextmanager
def undone(bench: Bench) -> Iterator[Connection]:
    """Give a connection whose transaction leaves no trace."""
    with bench.database.engine.connect() as conn:
        if bench.database.dialect == "sqlite":
            # SQLite's driver begins none by itself here, and there would be nothing to roll back.
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        yield conn
        conn.rollback()


def plans(conn: Connection, fn: Callable[..., Any], *args: Any, **kw: Any) -> list[str]:
    """Return how the database carries out each statement that *fn* sends."""
    seen: list[tuple[str, Any]] = []

    def remember(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        seen.append((statement, given))

    event.listen(conn, "before_cursor_execute", remember)
    fn(conn, *args, **kw)
    event.remove(conn, "before_cursor_execute", remember)
    verb = "EXPLAIN QUERY PLAN" if conn.dialect.name == "sqlite" else "EXPLAIN"
    told = [conn.exec_driver_sql(f"{verb} {statement}", given).all() for statement, given in seen]
    assert told
    return ["\n".join(str(row[-1]) for row in rows) for rows in told]


def rows_read(conn: Connection) -> int:
    """Return how many rows this session has read from MariaDB's tables and indexes."""
    counters = conn.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
    return sum(int(row[1]) for row in counters)


def test_a_claim_reads_the_head_of_its_line(old_store: Bench) -> None:
    given = {"worker": "w", "tasks": TASKS, "now": old_store.now}

    assert_ordered(old_store, claims.claim, queues=["mail"], **given)


def test_a_claim_of_several_queues_sorts_nothing_but_their_heads(old_store: Bench) -> None:
    given = {"worker": "w", "queues": QUEUES, "tasks": TASKS, "now": old_store.now}

    assert_cheap(old_store, claims.claim, **given)
    if old_store.database.dialect == "postgresql":
        with undone(old_store) as conn:
            (plan,) = plans(conn, claims.claim, **given)
        # Whatever is below the only sort has a limit of its own.
        assert plan.count("Sort  ") == 1, plan
        assert plan.count("Limit  ") == 3, plan


def test_a_hinted_claim_reads_the_primary_key(old_store: Bench) -> None:
    hint = first(old_store, "available")
    given = {"worker": "w", "tasks": TASKS, "now": old_store.now, "hint": hint}

    assert_ordered(old_store, claims.claim, queues=["default"], **given)
    assert_cheap(old_store, claims.claim, queues=QUEUES, **given)


def test_looking_for_more_work_reads_the_lines(old_store: Bench) -> None:
    assert_cheap(old_store, claims.remaining, QUEUES, TASKS)


def test_outcomes_read_the_primary_key(old_store: Bench) -> None:
    held, now = first(old_store, "executing"), old_store.now
    again = {"at": now, "counted": True, "failure": failure(), "now": now}

    assert_ordered(old_store, outcomes.complete, held, "t", None, now)
    assert_cheap(old_store, outcomes.retry, held, "t", **again)
    assert_cheap(old_store, progress.write, held, "t", 1, 2, None, now)


def test_effects_steps_and_cursors_read_primary_keys(old_store: Bench) -> None:
    held, now = first(old_store, "executing"), old_store.now

    assert_cheap(old_store, effects.begin, held, "t", "charge", attempt=1, now=now)
    assert_cheap(old_store, effects.settle, held, "t", "charge", "done", "1", now)
    assert_cheap(old_store, effects.free, held, "t", "charge")
    assert_cheap(old_store, steps.keep, held, "t", "price", "1", attempt=1, now=now)
    assert_cheap(old_store, steps.keep_cursor, held, "t", "rows", 1, "1", now)


def test_the_oldest_unknown_effect_is_found_among_the_open_ones(old_store: Bench) -> None:
    old_store.do(add_effects, old_store)
    analyze(old_store, "jobkit_effects")

    assert_cheap(old_store, effects.oldest_unknown, old_store.now)
    if old_store.database.dialect != "mysql":
        with undone(old_store) as conn:
            (plan,) = plans(conn, effects.oldest_unknown, old_store.now)
        assert "ix_jobkit_effects_open" in plan, plan


def test_staging_reads_the_jobs_that_are_due(old_store: Bench) -> None:
    assert_ordered(old_store, keeping.stage, old_store.later(50), 10)


def test_the_next_due_time_is_the_first_entry_of_an_index(old_store: Bench) -> None:
    assert_ordered(old_store, keeping.next_due)


def test_counting_what_waits_reads_the_lines(old_store: Bench) -> None:
    assert_ordered(old_store, keeping.waiting, QUEUES, 64)


def test_rescue_reads_what_is_held(old_store: Bench) -> None:
    assert_cheap(old_store, outcomes.rescue, max_crashes=5, now=old_store.now, limit=3)


def test_the_looks_of_the_keeper_read_partial_indexes(old_store: Bench) -> None:
    assert_cheap(old_store, watching.glance, old_store.now)
    assert_cheap(old_store, watching.held_by, "w")


def test_a_page_costs_the_same_wherever_it_is(old_store: Bench) -> None:
    middle = new_job_id(old_store.clock.seconds + HISTORY / 2)

    for where in (JobFilter(), JobFilter(tenant_id="tenant-7"), JobFilter(tasks=[TASKS[3]])):
        assert_ordered(old_store, reading.find, where, 50, middle)


def test_a_job_is_looked_up_by_either_of_its_ids(old_store: Bench) -> None:
    assert_cheap(old_store, reading.get, "foreign-completed-10")


def test_retention_reads_the_oldest_of_each_state(old_store: Bench) -> None:
    never = old_store.later(-1)
    given = {"cancelled_before": never, "dead_before": never, "now": old_store.later(HISTORY)}

    assert_cheap(old_store, retention.prune, completed_before=old_store.later(50), **given)


def first(bench: Bench, state: str) -> str:
    """Return the id of the first job of the default queue in *state*."""
    where = f"state = '{state}' AND queue = 'default'"
    with bench.database.read() as conn:
        found = conn.exec_driver_sql(f"SELECT min(id) FROM jobkit_jobs WHERE {where}")
        return str(found.scalar_one())
