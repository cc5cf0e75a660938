from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.testing.shop import Mailbox, MemoryMailbox, Order, charge, confirm, pack, tasks, wait

from jobkit.app import Jobkit
from jobkit.errors import PermanentError, TransientError
from jobkit.execution import LifecycleEvent
from jobkit.job import JobState
from jobkit.payload import Payload
from jobkit.task import TaskSet
from jobkit.testing import Drained, TimeTravel, drain

ORDER = Order(tenant_id="b1", number=1)
rude = TaskSet("rude")


class Nothing(Payload):
    """Carry nothing."""


@rude.task()
def leave(payload: Nothing) -> None:
    """Be interrupted from the keyboard."""
    raise KeyboardInterrupt


@rude.task()
def give_up(payload: Nothing) -> None:
    """Fail a test from inside a task."""
    pytest.fail("seen enough")


@pytest.fixture
def jobs(jobkit_jobs: Callable[..., Jobkit]) -> Jobkit:
    return jobkit_jobs([tasks, rude], adapters={Mailbox: MemoryMailbox()})


def test_due_jobs_run_and_so_do_those_that_they_enqueue(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)

    drained = drain(jobs)

    assert drained == Drained(completed=2)
    assert handle.result(timeout=0).number == 1


def test_nothing_to_do_is_no_work(jobs: Jobkit) -> None:
    assert drain(jobs) == Drained()


def test_more_jobs_than_a_worker_runs_for_one_doorbell_are_drained(jobs: Jobkit) -> None:
    jobs.enqueue_many(pack, [ORDER] * 60)

    assert drain(jobs).completed == 60


def test_one_queue_is_drained_and_the_others_left(jobs: Jobkit) -> None:
    confirmed = jobs.enqueue(confirm, ORDER)
    packed = jobs.enqueue(pack, ORDER)

    assert drain(jobs, "warehouse") == Drained(completed=1)

    assert confirmed.state is JobState.AVAILABLE
    assert packed.state is JobState.COMPLETED


def test_some_queues_are_drained(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)
    jobs.enqueue(pack, ORDER, queue="rush")
    jobs.enqueue(pack, ORDER, queue="slow")

    assert drain(jobs, {"warehouse", "slow"}).completed == 2


def test_a_queue_that_no_task_declares_is_drained_with_all(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER, queue="rush")

    assert drain(jobs).completed == 1


def test_a_scheduled_job_waits_for_its_time(jobs: Jobkit, jobkit_clock: TimeTravel) -> None:
    handle = jobs.enqueue(pack, ORDER, delay=timedelta(days=2))

    assert drain(jobs) == Drained()
    assert handle.state is JobState.SCHEDULED

    jobkit_clock.travel(timedelta(days=2))
    assert drain(jobs) == Drained(completed=1)


def test_scheduled_jobs_run_early_when_asked(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER, delay=timedelta(days=2))
    jobs.enqueue(charge, ORDER)

    drained = drain(jobs, with_scheduled=True)

    assert drained == Drained(completed=1, retryable=1)


def test_scheduled_jobs_of_other_queues_keep_waiting(jobs: Jobkit) -> None:
    other = jobs.enqueue(confirm, ORDER, delay=60)
    jobs.enqueue(pack, ORDER, delay=60)

    assert drain(jobs, "warehouse", with_scheduled=True).completed == 1
    assert other.state is JobState.SCHEDULED


def test_a_failed_job_waits_for_its_next_attempt(jobs: Jobkit, jobkit_clock: TimeTravel) -> None:
    handle = jobs.enqueue(charge, ORDER)

    assert drain(jobs) == Drained(retryable=1)
    assert handle.state is JobState.RETRYABLE

    jobkit_clock.travel(60)
    assert drain(jobs) == Drained(retryable=1)
    jobkit_clock.travel(180)
    assert drain(jobs) == Drained(completed=1)
    assert handle.result(timeout=0) == 3


def test_retries_run_at_once_when_asked_until_completed_or_dead(jobs: Jobkit) -> None:
    mended = jobs.enqueue(charge, ORDER)
    lost = jobs.enqueue(charge, tenant_id="b1", number=2)

    drained = drain(jobs, with_retries=True)

    assert drained == Drained(completed=1, retryable=4, dead=1)
    assert mended.result(timeout=0) == 3
    assert lost.job().reason == "exhausted"


def test_what_the_tasks_raised_can_be_raised_again(jobs: Jobkit) -> None:
    jobs.enqueue(charge, tenant_id="b1", number=3)

    drained = drain(jobs)

    assert drained.dead == 1
    with pytest.raises(PermanentError, match="the card was refused"):
        raise drained.errors[0]


def test_a_job_that_never_ends_is_stopped_at_the_limit(jobs: Jobkit) -> None:
    jobs.enqueue(wait, ORDER)

    with pytest.raises(AssertionError, match=r"7 runs, and jobs are still waiting.*snoozed=7"):
        drain(jobs, with_retries=True, limit=7)


def test_no_job_is_run_beyond_the_limit(jobs: Jobkit) -> None:
    jobs.enqueue_many(pack, [ORDER] * 10)

    with pytest.raises(AssertionError, match=r"3 runs, .*completed=3,"):
        drain(jobs, limit=3)


def test_the_limit_itself_may_be_reached(jobs: Jobkit) -> None:
    jobs.enqueue_many(pack, [ORDER] * 3)

    assert drain(jobs, limit=3).completed == 3


@pytest.mark.parametrize("task", ["rude.leave", "rude.give_up"])
def test_what_ends_a_test_is_not_taken_for_a_failed_job(jobs: Jobkit, task: str) -> None:
    jobs.enqueue(task)
    jobs.enqueue(pack, ORDER)

    with pytest.raises((KeyboardInterrupt, pytest.fail.Exception)):
        drain(jobs, ["rude", "warehouse"])

    # The job that came next was not begun, and the drain left no trace.
    assert drain(jobs, "warehouse").completed == 1
    assert not jobs.hooks.listeners


def test_hooks_hear_of_drained_jobs(jobs: Jobkit) -> None:
    heard: list[LifecycleEvent] = []
    jobs.hooks.add(heard.append)
    jobs.enqueue(charge, ORDER)

    drain(jobs)

    assert [event.kind for event in heard] == ["claimed", "retryable"]
    assert isinstance(heard[1].error, TransientError)
