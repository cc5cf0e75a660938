"""Unique jobs on every database: the index decides, whoever comes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.store.bench import Bench, failure
from tests.store.children import fork

from jobkit.app import Jobkit
from jobkit.job import JobState
from jobkit.payload import Payload
from jobkit.settings import Settings
from jobkit.store import changing, claims, enqueueing, outcomes
from jobkit.store.enqueueing import NewJob, Placed
from jobkit.store.sameness import states_as_bits
from jobkit.store.schema import jobs
from jobkit.task import TaskSet
from jobkit.unique import Unique

PROCESSES, THREADS = 4, 16


class Report(Payload):
    """Which report it is about."""

    tenant_id: str
    n: int = 0


tasks = TaskSet("shop")


@tasks.task(unique_by=("tenant_id",))
def sell(payload: Report) -> None:
    """Make a report, once at a time."""


def place(bench: Bench, *new: NewJob) -> list[Placed]:
    return bench.do(enqueueing.store, list(new), bench.now)


def same(bench: Bench, *states: JobState, **options: Any) -> NewJob:
    given = {"unique_key": "report of May", "unique_states": states_as_bits(states)}
    return bench.new(**{**given, **options})


def keys(bench: Bench) -> dict[str, str | None]:
    rows = bench.see(lambda conn: conn.execute(select(jobs.c.id, jobs.c.unique_key)).all())
    return {row.id: row.unique_key for row in rows}


def test_the_first_stays(bench: Bench) -> None:
    first, second = same(bench), same(bench)

    placed = [place(bench, first)[0], place(bench, second)[0]]

    assert [one.id for one in placed] == [first.id, first.id]
    assert [one.duplicate for one in placed] == [False, True]
    assert list(keys(bench)) == [first.id]


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("state", ["executing", "completed", "cancelled", "dead", "lost"])
def test_the_key_goes_where_the_state_does_not_count(
    bench: Bench, state: str, counted: bool
) -> None:
    ended = {"completed": JobState.COMPLETED, "cancelled": JobState.CANCELLED}.get(
        state, JobState.DEAD
    )
    wanted = [JobState.EXECUTING] + ([ended] if state != "executing" else [])
    job = same(bench, *(wanted if counted else wanted[:-1]))
    place(bench, job)

    claim = bench.claim(hint=job.id)
    assert claim is not None
    run = (claim.id, claim.token)
    match state:
        case "completed":
            assert bench.do(outcomes.complete, *run, None, bench.now)
        case "cancelled":
            assert bench.do(outcomes.cancel_run, *run, bench.now)
        case "dead":
            told = {"reason": "permanent", "failure": failure(), "now": bench.now}
            assert bench.do(outcomes.bury, *run, **told)
        case "lost":
            crash = {"max_crashes": 1, "failure": failure(kind="crash"), "now": bench.now}
            assert bench.do(outcomes.lost, *run, **crash) is JobState.DEAD

    assert keys(bench) == {job.id: "report of May" if counted else None}


def test_a_waiting_job_that_is_cancelled_keeps_its_key_where_that_counts(bench: Bench) -> None:
    kept = same(bench, JobState.EXECUTING, JobState.CANCELLED)
    given = same(bench, JobState.EXECUTING, unique_key="report of June")
    place(bench, kept, given)

    for id in (kept.id, given.id):
        bench.do(changing.cancel, id, bench.now)

    assert keys(bench) == {kept.id: "report of May", given.id: None}


def test_a_job_of_an_earlier_release_keeps_its_key_until_it_has_ended(bench: Bench) -> None:
    claim = bench.claimed(unique_key="one")
    assert keys(bench) == {claim.id: "one"}

    bench.do(outcomes.complete, claim.id, claim.token, None, bench.now)

    assert keys(bench) == {claim.id: None}


def test_what_waits_is_replaced_and_what_runs_is_not(bench: Bench) -> None:
    first = same(bench, on_conflict="replace", payload='{"n":1}', scheduled_at=bench.later(60))
    second = same(bench, on_conflict="replace", payload='{"n":2}', queue="mail")
    third = same(bench, on_conflict="replace", payload='{"n":3}')

    place(bench, first)
    (replaced,) = place(bench, second)
    assert bench.claim("default", hint=first.id) is None
    claim = bench.claim("mail")
    (stored,) = place(bench, third)

    assert replaced == Placed(first.id, "mail", duplicate=True, due=True)
    assert claim is not None
    assert (claim.id, claim.payload) == (first.id, '{"n":2}')
    assert stored == Placed(third.id, "default", due=True)


def test_what_runs_is_kept_where_that_counts(bench: Bench) -> None:
    running = same(bench, JobState.EXECUTING)
    place(bench, running)
    bench.claim()

    (placed,) = place(bench, same(bench, on_conflict="replace", payload='{"n":2}'))

    assert placed == Placed(running.id, "default", duplicate=True)
    assert bench.job(running.id).payload == "{}"


def test_a_retryable_job_is_put_off_and_keeps_its_attempts(bench: Bench) -> None:
    job = same(bench, JobState.EXECUTING)
    place(bench, job)
    claim = bench.claim()
    assert claim is not None
    again = {"at": bench.later(5), "counted": True, "failure": failure(), "now": bench.now}
    bench.do(outcomes.retry, claim.id, claim.token, **again)

    place(bench, same(bench, on_conflict="debounce", scheduled_at=bench.later(60)))

    put_off = bench.job(job.id)
    assert (put_off.state, put_off.attempt) == (JobState.RETRYABLE, 1)
    assert put_off.scheduled_at == bench.later(60)


def test_a_replaced_job_has_a_whole_round_of_attempts(bench: Bench) -> None:
    job = same(bench, JobState.EXECUTING)
    place(bench, job)
    claim = bench.claim()
    assert claim is not None
    again = {"at": bench.later(5), "counted": True, "failure": failure(), "now": bench.now}
    bench.do(outcomes.retry, claim.id, claim.token, **again)

    place(bench, same(bench, on_conflict="replace", scheduled_at=bench.later(60)))

    replaced = bench.job(job.id)
    assert (replaced.state, replaced.attempt) == (JobState.SCHEDULED, 0)


def test_a_foreign_message_may_be_the_same_work(bench: Bench) -> None:
    first = same(bench, foreign_id="celery-1")
    again = same(bench, foreign_id="celery-1")
    other = same(bench, foreign_id="celery-2")

    told = [bench.do(enqueueing.insert_foreign, one, bench.now) for one in (first, again, other)]

    assert told == [True, False, False]
    assert list(keys(bench)) == [first.id]


# At once


@pytest.fixture
def settings(store_url: str, tmp_path: Path) -> Settings:
    return Settings(store_url=store_url, data_dir=tmp_path, store_timeout_seconds=30.0)


@pytest.fixture(params=["keep", "replace", "debounce"])
def storm(request: pytest.FixtureRequest, settings: Settings) -> list[tuple[str, bool]]:
    """Enqueue the same job in 64 threads of 4 processes, and give what each was told."""

    def storm() -> list[tuple[str, bool]]:
        app = Jobkit(settings, tasks=[tasks], ringer=lambda queue, times: None)
        app.configure("shop.sell", unique=Unique(by=("tenant_id",), on_conflict=request.param))
        app.start()
        barrier = threading.Barrier(THREADS)

        def enqueue(n: int) -> tuple[str, bool]:
            barrier.wait()
            handle = app.enqueue(sell, Report(tenant_id="b1", n=n))
            return handle.id, handle.duplicate

        with ThreadPoolExecutor(THREADS) as pool:
            told = list(pool.map(enqueue, range(THREADS)))
        app.close()
        return told

    children = [fork(storm) for _ in range(PROCESSES)]
    return [one for child in children for one in child.result(90)]


def test_64_threads_of_4_processes_store_one_job(
    storm: list[tuple[str, bool]], bench: Bench
) -> None:
    stored = bench.see(lambda conn: conn.execute(select(jobs.c.id)).scalars().all())

    assert len(storm) == PROCESSES * THREADS
    assert len(stored) == 1
    assert {id for id, _ in storm} == set(stored)
    assert [duplicate for _, duplicate in storm].count(False) == 1


def test_enqueued_again_while_it_is_worked_off(bench: Bench, settings: Settings) -> None:
    app = Jobkit(settings, tasks=[tasks], ringer=lambda queue, times: None)
    app.configure("shop.sell", unique=Unique(by=("tenant_id",), states=()))
    app.start()
    done = threading.Event()
    ran: list[str] = []

    def work() -> None:
        while not done.is_set():
            found = app.database.write(
                lambda conn: claims.claim(
                    conn, worker="w", queues=["shop"], tasks=["shop.sell"], now=app.clock.now()
                )
            )
            if found is not None:
                ran.append(found.id)

    worker = threading.Thread(target=work)
    worker.start()
    handles = [app.enqueue(sell, Report(tenant_id="b1", n=n)) for n in range(60)]
    fresh = [handle.id for handle in handles if not handle.duplicate]
    done.set()
    worker.join()
    app.close()

    # Nothing was lost: the last is either there or was one with a job that started later.
    assert len(ran) in (len(fresh), len(fresh) - 1)
    assert set(ran) <= set(fresh)
