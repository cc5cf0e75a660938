"""Many workers at one store."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.store.bench import Bench, failure
from tests.store.children import fork
from tests.store.conftest import SERVERS

from jobkit.job import JobState
from jobkit.store import (
    changing,
    claims,
    enqueueing,
    keeping,
    outcomes,
    reading,
    retention,
    scheduling,
)
from jobkit.store.claims import Claim
from jobkit.store.database import Database
from jobkit.store.reading import JobFilter

JOBS = 400
GIVEN: dict[str, Any] = {"worker": "w", "tasks": ["shop.sell"]}


# SQLite has one writer at a time: there a claim does wait for another.
servers_only = pytest.mark.parametrize("store_url", SERVERS, indirect=True)


def drain(database: Database, queues: list[str]) -> list[str]:
    """Work off the queues as a worker does: an outcome and the next claim in one transaction."""
    done: list[str] = []
    now = database.clock.now()

    def step(conn: Connection) -> Claim | None:
        if current is not None:
            assert outcomes.complete(conn, current.id, current.token, None, now)
        return claims.claim(conn, queues=queues, now=now, **GIVEN)

    current: Claim | None = None
    while (current := database.write(step)) is not None:
        done.append(current.id)
    return done


def at_once(*doings: Callable[[], Any]) -> list[Any]:
    """Start all *doings* at the same moment, each in a thread, and return what they return."""
    barrier = threading.Barrier(len(doings))

    def start(doing: Callable[[], Any]) -> Any:
        barrier.wait()
        return doing()

    with ThreadPoolExecutor(len(doings)) as pool:
        return list(pool.map(start, doings))


def add_many(bench: Bench) -> list[str]:
    new = [bench.new(queue=("default", "mail")[n % 2], priority=n % 4) for n in range(JOBS)]
    bench.do(enqueueing.insert, new, bench.now)
    return sorted(job.id for job in new)


def test_threads_claim_each_job_once(bench: Bench) -> None:
    added = add_many(bench)
    worker = lambda: drain(bench.database, ["default", "mail"])  # noqa: E731

    done = at_once(*[worker] * 8)

    assert sorted(id for ids in done for id in ids) == added
    assert bench.see(reading.counts)["mail"] == {JobState.COMPLETED: JOBS // 2}


def test_processes_claim_each_job_once(bench: Bench) -> None:
    added = add_many(bench)

    children = [fork(lambda: drain(bench.database, ["default", "mail"])) for _ in range(4)]
    done = [child.result() for child in children]

    assert sorted(id for ids in done for id in ids) == added


def test_claims_go_on_while_jobs_are_staged_cancelled_and_retried(bench: Bench) -> None:
    soon = [bench.new(scheduled_at=bench.later(1)) for _ in range(JOBS // 2)]
    bench.do(enqueueing.insert, soon, bench.now)
    added = {*add_many(bench), *(job.id for job in soon)}
    bench.wait(2)
    bench.worker("w", lease=999)
    batches = range(10)

    at_once(
        lambda: drain(bench.database, ["default", "mail"]),
        lambda: drain(bench.database, ["mail", "default"]),
        lambda: [bench.do(keeping.stage, bench.now, 30) for _ in batches],
        lambda: [bench.do(changing.cancel_all, JobFilter(), bench.now, 7) for _ in batches],
        lambda: [bench.do(changing.retry_all, JobFilter(), bench.now, limit=5) for _ in batches],
        lambda: [bench.do(outcomes.rescue, max_crashes=99, now=bench.now) for _ in batches],
    )

    states = Counter(job.state for job in bench.see(reading.find, JobFilter(), 2 * JOBS))
    assert states.total() == len(added)
    assert JobState.DEAD not in states


@servers_only
@pytest.mark.parametrize("queues", [["default"], ["default", "mail"]], ids=["one", "several"])
def test_a_claim_does_not_wait_for_another(bench: Bench, queues: list[str]) -> None:
    first, second = bench.add(), bench.add()

    with bench.database.engine.connect() as conn:
        claims.claim(conn, queues=queues, now=bench.now, **GIVEN)
        claimed = [bench.claim(*queues), bench.claim(*queues, hint=first)]
        conn.commit()

    assert [claim and claim.id for claim in claimed] == [second, None]


@servers_only
def test_a_claim_of_several_queues_holds_up_only_the_one_it_takes_from(bench: Bench) -> None:
    bench.add(queue="mail", scheduled_at=bench.later(-9))
    other = bench.add(queue="default")

    with bench.database.engine.connect() as conn:
        taken = claims.claim(conn, queues=["default", "mail"], now=bench.now, **GIVEN)
        claim = bench.claim("default")
        conn.rollback()

    assert taken is not None
    assert taken.queue == "mail"
    assert claim is not None
    assert claim.id == other


@servers_only
def test_a_line_whose_head_is_being_taken_hides_no_other(bench: Bench) -> None:
    bench.add(queue="mail", scheduled_at=bench.later(-9))
    other = bench.add(queue="default")

    with bench.database.engine.connect() as conn:
        claims.claim(conn, queues=["mail"], now=bench.now, **GIVEN)
        claim = bench.claim("default", "mail")
        conn.rollback()

    assert claim is not None
    assert claim.id == other


def test_of_an_outcome_and_a_loss_one_is_recorded(bench: Bench) -> None:
    crash = {"max_crashes": 5, "failure": failure(kind="crash"), "now": bench.now}
    for _ in range(20):
        run = bench.claimed()

        completed, lost = at_once(
            lambda run=run: bench.do(outcomes.complete, run.id, run.token, None, bench.now),
            lambda run=run: bench.do(outcomes.lost, run.id, run.token, **crash),
        )

        assert completed == (lost is None)


def test_a_cancelled_job_is_not_lost_between_two_states(bench: Bench) -> None:
    for _ in range(20):
        id = bench.add()

        told, claim = at_once(
            lambda id=id: bench.do(changing.cancel, id, bench.now),
            lambda id=id: bench.claim(hint=id),
        )

        job = bench.job(id)
        assert told is job.state
        assert (claim is None) == (job.state is JobState.CANCELLED)
        assert job.cancel_requested == (job.state is JobState.EXECUTING)
        bench.do(lambda conn: conn.exec_driver_sql("DELETE FROM jobkit_jobs"))


def test_a_job_that_is_retried_is_not_pruned(bench: Bench) -> None:
    for _ in range(20):
        id = bench.dead()
        bench.wait(1)
        before = dict.fromkeys(("completed_before", "cancelled_before", "dead_before"), bench.now)

        retried, pruned = at_once(
            lambda id=id: bench.do(changing.retry, id, bench.now),
            lambda before=before: bench.do(retention.prune, **before, now=bench.now),
        )

        assert retried == (pruned == 0)
        assert (bench.see(reading.state_of, id) is not None) == retried


def test_a_foreign_message_is_adopted_by_one(bench: Bench) -> None:
    new = [bench.new(foreign_id="celery-1") for _ in range(8)]

    told = at_once(
        *(lambda job=job: bench.do(enqueueing.insert_foreign, job, bench.now) for job in new)
    )

    assert told.count(True) == 1


def test_a_due_run_is_stored_by_one_beat(bench: Bench) -> None:
    new = [bench.new() for _ in range(8)]
    run = ("nightly", bench.now)

    told = at_once(
        *(lambda job=job: bench.do(scheduling.due_run, *run, job, bench.now) for job in new)
    )

    assert told.count(True) == 1
    assert len(bench.see(reading.find, JobFilter())) == 1


def test_a_lease_is_taken_by_one_keeper(bench: Bench) -> None:
    def race() -> int:
        return at_once(
            *(
                lambda n=n: bench.do(keeping.take_lease, "keeper", f"w{n}", bench.now, 5)
                for n in range(8)
            )
        ).count(True)

    assert race() == 1
    bench.wait(6)
    assert race() == 1
