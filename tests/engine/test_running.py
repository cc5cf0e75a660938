"""Jobs run by real workers: the everyday things."""

from __future__ import annotations

import time

import pytest
from world import World, until

from jobkit import JobCancelled, JobDead, JobState


def test_a_job_runs_and_its_result_comes_back(world: World) -> None:
    world.worker()

    handle = world.jobs.enqueue("engine.record", note="hello")

    assert handle.result(timeout=10) == 1
    assert handle.state is JobState.COMPLETED
    assert world.started() == {handle.id: 1}


def test_jobs_enqueued_before_any_worker_lives_are_run_once_one_does(world: World) -> None:
    handles = [world.jobs.enqueue("engine.record", note=str(n)) for n in range(5)]

    world.worker()

    assert [handle.result(timeout=15) for handle in handles] == [1] * 5


def test_a_failing_job_is_tried_again_and_keeps_what_went_wrong(world: World) -> None:
    world.worker()

    handle = world.jobs.enqueue("engine.fail_until_third")

    assert handle.result(timeout=20) == 3
    assert [failure.message for failure in handle.job().failures] == [
        "attempt 1 fails",
        "attempt 2 fails",
    ]


def test_the_other_side_is_given_the_time_it_asked_for(world: World) -> None:
    world.worker()

    handle = world.jobs.enqueue("engine.asked_to_wait")

    assert handle.result(timeout=20) == 2
    first, second = (float(line[3]) for line in world.lines("start"))
    assert second - first >= 1.5


def test_a_snooze_costs_no_attempt(world: World) -> None:
    world.worker()

    handle = world.jobs.enqueue("engine.sleepy")

    assert handle.result(timeout=20) == 1
    assert world.started()[handle.id] == 2


def test_a_follow_up_is_enqueued_with_the_outcome(world: World) -> None:
    world.worker()

    handle = world.jobs.enqueue("engine.parent")
    handle.result(timeout=10)

    until(lambda: world.lines("end"), what="the child")
    (child,) = [job for job in world.jobs.find() if job.task == "engine.record"]
    assert handle.id in child.payload


def test_a_secret_is_seen_nowhere(world: World) -> None:
    worker = world.worker()

    handle = world.jobs.enqueue("engine.leak", password="correct horse battery")
    with pytest.raises(JobDead) as caught:
        handle.result(timeout=10)

    job = handle.job()
    store = (world.folder / "data" / "jobkit.sqlite3").read_bytes()
    wal = (world.folder / "data" / "jobkit.sqlite3-wal").read_bytes()
    for place in (str(caught.value), repr(job), worker.log()):
        assert "correct horse" not in place
    assert b"correct horse" not in store + wal
    assert "logging in" in worker.log()


def test_a_renamed_task_still_runs_what_is_queued(world: World) -> None:
    world.worker()

    handle = world.jobs.enqueue("engine.old_name", note="old")

    assert handle.result(timeout=10) == "old"


def test_a_job_for_later_leaves_nothing_in_the_broker(world: World) -> None:
    handle = world.jobs.enqueue("engine.record", delay=2 * 24 * 3600)
    world.worker()
    time.sleep(1.5)

    assert handle.state is JobState.SCHEDULED
    assert world.jobs.runtime.queue_length("engine") == 0


def test_a_running_job_is_cancelled_and_runs_again_on_the_same_worker_when_retried(
    world: World,
) -> None:
    world.worker()
    handle = world.jobs.enqueue("engine.patient", seconds=30)
    until(lambda: world.lines("start"), what="the start")

    handle.cancel()
    with pytest.raises(JobCancelled):
        handle.result(timeout=10)
    handle.retry()

    until(lambda: len(world.lines("start")) == 2, what="the second start")
    handle.cancel()
    assert handle.wait(10).state is JobState.CANCELLED
    assert len(world.lines("cancelled")) == 2


def test_a_waiting_job_is_cancelled_at_once(world: World) -> None:
    handle = world.jobs.enqueue("engine.record")

    assert handle.cancel() is JobState.CANCELLED
    world.worker()
    time.sleep(1)
    assert world.started() == {}


def test_the_soft_limit_is_told_inside_and_the_hard_one_ends_the_process(world: World) -> None:
    world.worker()

    minded = world.jobs.enqueue("engine.overrun", seconds=20)
    deaf = world.jobs.enqueue("engine.overrun", seconds=20, note="deaf")

    assert minded.wait(20).reason == "exhausted"
    assert deaf.wait(20).reason == "exhausted"
    assert {failure.kind for failure in deaf.job().failures} == {"time_limit"}
    assert "by force" in deaf.job().failures[0].message
    assert "by force" not in minded.job().failures[0].message
    assert deaf.job().crashes == 0


def test_a_task_that_is_not_durable_runs_and_leaves_no_row(world: World) -> None:
    world.worker()

    world.jobs.enqueue("engine.cheap", note="fast")

    until(lambda: world.lines("cheap"), what="the cheap task")
    assert world.jobs.find() == []
