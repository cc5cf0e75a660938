"""How runs end, and what becomes of their jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.store.bench import Bench, failure

from jobkit.job import JobState
from jobkit.queues import Priority
from jobkit.store import changing, outcomes, progress
from jobkit.store.claims import Claim

Ending = Callable[[Bench, Claim], Any]


def complete(bench: Bench, claim: Claim) -> Any:
    return bench.do(outcomes.complete, claim.id, claim.token, "{}", bench.now)


def retry(bench: Bench, claim: Claim) -> Any:
    again = {"at": bench.later(60), "counted": True, "failure": failure(), "now": bench.now}
    return bench.do(outcomes.retry, claim.id, claim.token, **again)


def bury(bench: Bench, claim: Claim) -> Any:
    given = {"reason": "exhausted", "failure": failure(), "now": bench.now}
    return bench.do(outcomes.bury, claim.id, claim.token, **given)


def cancel_run(bench: Bench, claim: Claim) -> Any:
    return bench.do(outcomes.cancel_run, claim.id, claim.token, bench.now)


def release(bench: Bench, claim: Claim) -> Any:
    return bench.do(outcomes.release, claim.id, claim.token, bench.now, failure())


def lose(bench: Bench, claim: Claim, max_crashes: int = 5) -> Any:
    told = failure(kind="crash", type="WorkerLost", message="gone")
    given = {"max_crashes": max_crashes, "failure": told, "now": bench.now}
    return bench.do(outcomes.lost, claim.id, claim.token, **given)


def write_progress(bench: Bench, claim: Claim) -> Any:
    return bench.do(progress.write, claim.id, claim.token, 1, 2, None, bench.now)


endings = pytest.mark.parametrize(
    "ending",
    [complete, retry, bury, cancel_run, release, lose, write_progress],
    ids=lambda ending: ending.__name__,
)


@endings
def test_a_run_that_lost_its_job_writes_nothing(bench: Bench, ending: Ending) -> None:
    superseded = bench.claimed(unique_key="one")
    release(bench, superseded)
    current = bench.claim()
    assert current is not None
    before = bench.job(current.id)

    assert not ending(bench, superseded)

    assert bench.job(current.id) == before


@endings
def test_a_run_that_has_ended_ends_once(bench: Bench, ending: Ending) -> None:
    claim = bench.claimed()
    complete(bench, claim)
    before = bench.job(claim.id)

    assert not ending(bench, claim)

    assert bench.job(claim.id) == before


@endings
def test_a_run_of_no_job_is_no_error(bench: Bench, ending: Ending) -> None:
    claim = bench.claimed()
    bench.do(lambda conn: conn.exec_driver_sql("DELETE FROM jobkit_jobs"))

    assert not ending(bench, claim)


def test_a_completed_job_keeps_its_result(bench: Bench) -> None:
    claim = bench.claimed()
    bench.wait(3)

    assert bench.do(outcomes.complete, claim.id, claim.token, '{"sold": 7}', bench.now)

    job = bench.job(claim.id)
    assert (job.state, job.result) == (JobState.COMPLETED, '{"sold": 7}')
    assert (job.finished_at, job.started_at) == (bench.now, bench.later(-3))
    assert job.worker is None
    assert job.failures == ()


def test_a_failed_attempt_is_tried_again_in_its_time(bench: Bench) -> None:
    claim = bench.claimed(priority=Priority.HIGH)
    told = failure(message="the till is closed", traceback="Traceback ...")
    again = {"at": bench.later(60), "counted": True, "failure": told, "now": bench.now}

    assert bench.do(outcomes.retry, claim.id, claim.token, **again)

    job = bench.job(claim.id)
    assert (job.state, job.attempt, job.scheduled_at) == (JobState.RETRYABLE, 1, bench.later(60))
    assert job.worker is job.finished_at is None
    (stored,) = job.failures
    assert (stored.attempt, stored.kind, stored.type) == (1, "error", "ValueError")
    assert (stored.message, stored.traceback) == ("the till is closed", "Traceback ...")
    assert stored.at == bench.now


def test_an_attempt_that_does_not_count_is_given_back(bench: Bench) -> None:
    claim = bench.claimed()
    snoozed = {"at": bench.later(60), "counted": False, "failure": None, "now": bench.now}

    assert bench.do(outcomes.retry, claim.id, claim.token, **snoozed)

    job = bench.job(claim.id)
    assert (job.state, job.attempt, job.failures) == (JobState.RETRYABLE, 0, ())


def test_a_job_that_is_tried_again_keeps_its_head_start(bench: Bench) -> None:
    urgent = bench.claimed(priority=Priority.CRITICAL)
    now = {"at": bench.now, "counted": True, "failure": None, "now": bench.now}
    bench.do(outcomes.retry, urgent.id, urgent.token, **now)
    bench.add(scheduled_at=bench.later(-600))
    bench.do(lambda conn: conn.exec_driver_sql("UPDATE jobkit_jobs SET state = 'available'"))

    assert bench.claim().id == urgent.id


def test_failures_are_kept_in_their_order(bench: Bench) -> None:
    id = bench.add()
    for attempt in (1, 2, 3):
        claim = bench.claim(hint=id)
        assert claim is not None
        told = failure(attempt=claim.attempt, message=f"failure {attempt}")
        bench.do(outcomes.release, claim.id, claim.token, bench.now, told)

    stored = bench.job(id).failures

    assert [one.message for one in stored] == ["failure 1", "failure 2", "failure 3"]
    assert [one.attempt for one in stored] == [1, 1, 1]


def test_an_error_message_of_any_characters_is_stored(bench: Bench) -> None:
    claim = bench.claimed()
    told = failure(type="T" * 300, message="\x00 \udc80 \U0001f600", traceback="\x00" * 3)
    given = {"reason": "permanent", "failure": told, "now": bench.now}

    assert bench.do(outcomes.bury, claim.id, claim.token, **given)

    (stored,) = bench.job(claim.id).failures
    assert (stored.type, stored.message) == ("T" * 200, "\\x00 \\udc80 \U0001f600")
    assert stored.traceback == "\\x00" * 3


def test_a_buried_job_says_why(bench: Bench) -> None:
    claim = bench.claimed()

    assert bury(bench, claim)

    job = bench.job(claim.id)
    assert (job.state, job.reason, job.finished_at) == (JobState.DEAD, "exhausted", bench.now)
    assert len(job.failures) == 1


def test_a_released_job_goes_back_to_its_old_place(bench: Bench) -> None:
    first = bench.claimed(scheduled_at=bench.later(-9))
    bench.add(scheduled_at=bench.later(-5))

    assert bench.do(outcomes.release, first.id, first.token, bench.now)

    job = bench.job(first.id)
    assert (job.state, job.attempt, job.crashes) == (JobState.AVAILABLE, 0, 0)
    assert (job.scheduled_at, job.worker, job.failures) == (bench.later(-9), None, ())
    assert bench.claim().id == first.id


def test_a_cancelled_run_ends_its_job(bench: Bench) -> None:
    claim = bench.claimed()
    bench.do(changing.cancel, claim.id, bench.now)

    assert cancel_run(bench, claim)

    job = bench.job(claim.id)
    assert (job.state, job.finished_at) == (JobState.CANCELLED, bench.now)


@pytest.mark.parametrize("ending", [retry, release, lose], ids=lambda ending: ending.__name__)
def test_a_job_that_somebody_cancelled_does_not_go_back(bench: Bench, ending: Ending) -> None:
    claim = bench.claimed(unique_key="one")
    bench.do(changing.cancel, claim.id, bench.now)

    assert ending(bench, claim)

    job = bench.job(claim.id)
    assert (job.state, job.finished_at) == (JobState.CANCELLED, bench.now)
    bench.add(unique_key="one")


@pytest.mark.parametrize("ending", [complete, bury], ids=lambda ending: ending.__name__)
def test_a_job_that_ends_makes_way_for_its_like(bench: Bench, ending: Ending) -> None:
    ending(bench, bench.claimed(unique_key="one"))

    bench.add(unique_key="one")


@pytest.mark.parametrize("ending", [retry, release, lose], ids=lambda ending: ending.__name__)
def test_a_job_that_goes_on_stays_the_only_one(bench: Bench, ending: Ending) -> None:
    claim = bench.claimed(unique_key="one")

    ending(bench, claim)

    key = "SELECT unique_key FROM jobkit_jobs"
    assert bench.see(lambda conn: conn.exec_driver_sql(key).scalar()) == "one"


def test_a_lost_job_is_available_again_and_has_a_crash(bench: Bench) -> None:
    claim = bench.claimed()

    assert lose(bench, claim) is JobState.AVAILABLE

    job = bench.job(claim.id)
    assert (job.state, job.crashes, job.attempt) == (JobState.AVAILABLE, 1, 1)
    assert [one.kind for one in job.failures] == ["crash"]
    again = bench.claim()
    assert again is not None
    assert (again.attempt, again.crashes) == (2, 1)


def test_a_job_that_takes_down_too_many_workers_is_poison(bench: Bench) -> None:
    id = bench.add(max_attempts=1, unique_key="one")
    states = []
    for _ in range(3):
        claim = bench.claim()
        assert claim is not None
        states.append(lose(bench, claim, max_crashes=3))

    assert states == [JobState.AVAILABLE, JobState.AVAILABLE, JobState.DEAD]
    job = bench.job(id)
    assert (job.state, job.reason, job.crashes) == (JobState.DEAD, "poison", 3)
    assert (job.finished_at, len(job.failures)) == (bench.now, 3)
    bench.add(unique_key="one")


def test_interruptions_are_no_crashes(bench: Bench) -> None:
    id = bench.add()
    for _ in range(10):
        release(bench, bench.claim())

    job = bench.job(id)
    assert (job.state, job.attempt, job.crashes) == (JobState.AVAILABLE, 0, 0)


def test_jobs_of_a_worker_that_expired_are_rescued(bench: Bench) -> None:
    bench.worker("gone", lease=10)
    claim = bench.claimed()
    bench.do(lambda conn: conn.exec_driver_sql("UPDATE jobkit_jobs SET worker = 'gone'"))
    bench.wait(10.001)
    bench.worker("alive", lease=10)
    living = bench.add()
    bench.claim(worker="alive", hint=living)

    rescued = bench.do(outcomes.rescue, max_crashes=5, now=bench.now)

    assert rescued == [(claim.id, JobState.AVAILABLE)]
    job = bench.job(claim.id)
    assert (job.crashes, job.worker) == (1, None)
    assert job.failures[0].kind == "crash"
    assert "jobkit@gone" in job.failures[0].message
    assert bench.job(living).state is JobState.EXECUTING
    assert not complete(bench, claim)


def test_jobs_of_a_worker_without_a_row_are_rescued(bench: Bench) -> None:
    claim = bench.claimed()

    rescued = bench.do(outcomes.rescue, max_crashes=1, now=bench.now)

    assert rescued == [(claim.id, JobState.DEAD)]
    assert bench.job(claim.id).reason == "poison"


def test_a_worker_on_the_last_moment_of_its_lease_is_alive(bench: Bench) -> None:
    bench.worker("worker-1", lease=10)
    bench.claimed()
    bench.wait(10)

    assert bench.do(outcomes.rescue, max_crashes=5, now=bench.now) == []


def test_rescue_goes_in_batches(bench: Bench) -> None:
    for _ in range(5):
        bench.claimed()

    sizes = [len(bench.do(outcomes.rescue, max_crashes=5, now=bench.now, limit=2)) for _ in "1234"]

    assert sizes == [2, 2, 1, 0]


def test_an_outcome_and_the_next_claim_share_a_transaction(bench: Bench) -> None:
    claim, waiting = bench.claimed(), bench.add()

    def settle(conn: Any) -> Any:
        outcomes.complete(conn, claim.id, claim.token, None, bench.now)
        raise KeyError("the process is asked to stop")

    with pytest.raises(KeyError):
        bench.database.write(settle)

    assert bench.job(claim.id).state is JobState.EXECUTING
    assert bench.job(waiting).state is JobState.AVAILABLE
    assert complete(bench, claim)
