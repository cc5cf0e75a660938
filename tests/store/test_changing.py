"""What people do to jobs."""

from __future__ import annotations

import pytest
from tests.store.bench import Bench, failure

from jobkit.job import JobState
from jobkit.queues import Priority
from jobkit.store import changing, outcomes, progress, reading, scheduling
from jobkit.store.reading import JobFilter


def waiting_jobs(bench: Bench) -> dict[JobState, str]:
    """Add a job in each state in which a job waits."""
    found = {
        JobState.AVAILABLE: bench.add(unique_key="available"),
        JobState.SCHEDULED: bench.add(scheduled_at=bench.later(60), unique_key="scheduled"),
        JobState.WAITING: bench.add(scheduled_at=bench.later(60), unique_key="waiting"),
    }
    failed = bench.claimed(unique_key="retryable")
    again = {"at": bench.later(60), "counted": True, "failure": None, "now": bench.now}
    bench.do(outcomes.retry, failed.id, failed.token, **again)
    parents = f"UPDATE jobkit_jobs SET state = 'waiting' WHERE id = '{found[JobState.WAITING]}'"
    bench.do(lambda conn: conn.exec_driver_sql(parents))
    return found | {JobState.RETRYABLE: failed.id}


def test_a_job_that_waits_is_cancelled_at_once(bench: Bench) -> None:
    for state, id in waiting_jobs(bench).items():
        assert bench.job(id).state is state

        assert bench.do(changing.cancel, id, bench.now) is JobState.CANCELLED

        job = bench.job(id)
        assert (job.state, job.finished_at) == (JobState.CANCELLED, bench.now)
        bench.add(unique_key=state.value)


def test_a_job_that_runs_is_asked_to_stop(bench: Bench) -> None:
    claim = bench.claimed()

    assert bench.do(changing.cancel, claim.id, bench.now) is JobState.EXECUTING

    job = bench.job(claim.id)
    assert (job.state, job.cancel_requested, job.finished_at) == (JobState.EXECUTING, True, None)
    assert bench.do(outcomes.complete, claim.id, claim.token, "{}", bench.now)


@pytest.mark.parametrize("kind", ["dead", "completed", "cancelled"])
def test_a_job_that_has_ended_cannot_be_cancelled(bench: Bench, kind: str) -> None:
    id = getattr(bench, kind)()
    before = bench.job(id)
    bench.wait(5)

    assert bench.do(changing.cancel, id, bench.now) == kind

    assert bench.job(id) == before


def test_what_is_not_there_cannot_be_changed(bench: Bench) -> None:
    assert bench.do(changing.cancel, "no such job", bench.now) is None
    assert not bench.do(changing.retry, "no such job", bench.now)
    assert not bench.do(changing.delete, "no such job")


def test_a_dead_job_gets_a_whole_round_of_attempts(bench: Bench) -> None:
    id = bench.dead(foreign_id="celery-1", priority=Priority.HIGH)
    crash = "UPDATE jobkit_jobs SET crashes = 5, attempt = 3, result = NULL"
    bench.do(lambda conn: conn.exec_driver_sql(crash))
    bench.wait(100)

    assert bench.do(changing.retry, id, bench.now)

    job = bench.job(id)
    assert (job.state, job.reason, job.finished_at) == (JobState.AVAILABLE, None, None)
    assert (job.attempt, job.max_attempts, job.crashes) == (0, 3, 0)
    assert (job.scheduled_at, job.started_at) == (bench.now, None)
    assert (job.foreign_id, len(job.failures)) == ("celery-1", 1)
    assert bench.claim().id == id


def test_a_retried_job_keeps_its_head_start(bench: Bench) -> None:
    urgent = bench.dead(priority=Priority.CRITICAL)
    bench.add(scheduled_at=bench.later(-600))

    bench.do(changing.retry, urgent, bench.now)

    assert bench.claim().id == urgent


def test_a_retry_may_ask_for_more_attempts(bench: Bench) -> None:
    id = bench.dead(max_attempts=3)

    assert bench.do(changing.retry, id, bench.now, extra_attempts=5)

    assert bench.job(id).max_attempts == 5


def test_a_job_cancelled_while_it_ran_can_be_retried(bench: Bench) -> None:
    claim = bench.claimed()
    bench.do(changing.cancel, claim.id, bench.now)
    bench.do(outcomes.cancel_run, claim.id, claim.token, bench.now)

    assert bench.do(changing.retry, claim.id, bench.now)

    assert not bench.job(claim.id).cancel_requested
    assert bench.claim().id == claim.id


def test_only_dead_and_cancelled_jobs_are_retried(bench: Bench) -> None:
    others = [bench.completed(), bench.claimed().id, bench.add(scheduled_at=bench.later(9))]
    before = [bench.job(id) for id in others]

    assert not any(bench.do(changing.retry, id, bench.now) for id in others)

    assert [bench.job(id) for id in others] == before


def test_a_dead_job_is_deleted_with_all_that_belongs_to_it(bench: Bench) -> None:
    job = bench.new()
    bench.do(scheduling.due_run, "nightly", bench.now, job, bench.now)
    claim = bench.claim()
    bench.do(progress.write, claim.id, claim.token, 1, 2, None, bench.now)
    given = {"reason": "permanent", "failure": failure(), "now": bench.now}
    bench.do(outcomes.bury, claim.id, claim.token, **given)

    assert bench.do(changing.delete, job.id)

    for table in ("jobs", "failures", "progress", "schedule_runs"):
        rows = f"SELECT count(*) FROM jobkit_{table}"
        assert bench.see(lambda conn, rows=rows: conn.exec_driver_sql(rows).scalar()) == 0


def test_only_dead_jobs_are_deleted(bench: Bench) -> None:
    others = [bench.completed(), bench.cancelled(), bench.add(), bench.claimed().id]

    assert not any(bench.do(changing.delete, id) for id in others)

    assert len(bench.see(reading.find, JobFilter())) == 4


def test_many_jobs_are_cancelled_in_batches(bench: Bench) -> None:
    waiting_jobs(bench)
    running = bench.claimed()
    ended, other = bench.dead(), bench.add(queue="mail")
    chosen = JobFilter(queues=["default"])

    numbers = [bench.do(changing.cancel_all, chosen, bench.now, 2) for _ in "1234"]

    assert numbers == [2, 2, 1, 0]
    assert bench.job(running.id).cancel_requested
    assert bench.job(ended).state is JobState.DEAD
    assert bench.job(other).state is JobState.AVAILABLE
    assert len(bench.see(reading.find, JobFilter(states=[JobState.CANCELLED]))) == 4


def test_many_jobs_are_retried_in_batches(bench: Bench) -> None:
    dead = [bench.dead() for _ in range(2)]
    cancelled = bench.cancelled()
    bench.completed()
    given = {"extra_attempts": 7, "limit": 2}

    numbers = [bench.do(changing.retry_all, JobFilter(), bench.now, **given) for _ in "123"]

    assert numbers == [2, 1, 0]
    assert {bench.job(id).max_attempts for id in [*dead, cancelled]} == {7}


def test_many_dead_jobs_are_deleted_in_batches(bench: Bench) -> None:
    for _ in range(3):
        bench.dead()
    bench.dead(queue="mail")
    bench.completed()
    chosen = JobFilter(queues=["default"])

    assert [bench.do(changing.delete_all, chosen, 2) for _ in "123"] == [2, 1, 0]
    assert len(bench.see(reading.find, JobFilter())) == 2


def test_jobs_that_wait_for_their_time_are_hastened(bench: Bench) -> None:
    waiting = waiting_jobs(bench)
    other = bench.add(queue="other", scheduled_at=bench.later(60))
    queue = bench.job(waiting[JobState.SCHEDULED]).queue
    due = bench.job(waiting[JobState.SCHEDULED]).scheduled_at

    assert bench.do(changing.hasten_all, JobFilter(queues=[queue])) == 2

    for state in (JobState.SCHEDULED, JobState.RETRYABLE):
        assert bench.job(waiting[state]).state is JobState.AVAILABLE
    assert bench.job(waiting[JobState.SCHEDULED]).scheduled_at == due
    assert bench.job(waiting[JobState.WAITING]).state is JobState.WAITING
    assert bench.job(other).state is JobState.SCHEDULED
    assert bench.do(changing.hasten_all, JobFilter(), 1) == 1
