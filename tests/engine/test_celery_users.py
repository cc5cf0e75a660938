"""What people who know Celery expect."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery.result import AsyncResult
from world import World, until

from jobkit import JobState
from jobkit.errors import JobDead, UnsupportedByJobkit


def stranger_of(world: World) -> Celery:
    """Return a program without jobkit that knows nothing but the broker."""
    return Celery(broker=world.jobs.celery.conf.broker_url, set_as_current=False)


def test_send_task_from_outside_becomes_a_job_once(world: World) -> None:
    world.worker()

    sent = stranger_of(world).send_task("engine.record", kwargs={"note": "from outside"})

    job = until(lambda: world.jobs.find(), what="the row")[0]
    assert world.jobs.get(sent.id).id == job.id
    assert world.jobs.get(sent.id).result(timeout=10) == 1
    assert world.started() == {job.id: 1}


def test_send_task_to_the_tasks_own_queue_and_with_an_eta_works(world: World) -> None:
    world.worker()

    sent = stranger_of(world).send_task(
        "engine.record", kwargs={"note": "later"}, queue="engine", countdown=3600
    )

    until(lambda: world.jobs.find(), what="the row")
    job = world.jobs.get(sent.id).job()
    assert job.state is JobState.SCHEDULED
    assert (job.scheduled_at - job.created_at).total_seconds() == pytest.approx(3600, abs=30)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "reason"),
    [
        ("engine.record", [], {"no_such_field": 1}, "invalid"),
        ("engine.record", ["positional"], {}, "invalid"),
        ("engine.not_released_yet", [], {"note": "new"}, "unknown_task"),
    ],
)
def test_a_message_that_does_not_fit_becomes_a_dead_row_that_keeps_it(
    world: World, name: str, args: list[Any], kwargs: dict[str, Any], reason: str
) -> None:
    world.worker()

    sent = stranger_of(world).send_task(name, args=args, kwargs=kwargs)

    until(lambda: world.jobs.find(), what="the row")
    job = world.jobs.get(sent.id).job()
    assert (job.state, job.reason) == (JobState.DEAD, reason)
    assert all(str(part) in job.payload for part in [*args, *kwargs])


def test_delay_enqueues_through_the_store_and_its_result_tells_the_truth(world: World) -> None:
    world.worker()
    task = world.jobs.celery.tasks["engine.record"]

    result = task.delay(note="delayed", seconds=0.5)

    assert isinstance(result, AsyncResult)
    assert world.jobs.get(result.id).task == "engine.record"
    until(lambda: result.state == "STARTED", what="STARTED")
    assert result.get(timeout=10) == 1
    assert result.state == "SUCCESS"
    assert result.successful()


def test_countdown_becomes_the_scheduled_time_and_revoke_cancels(world: World) -> None:
    task = world.jobs.celery.tasks["engine.record"]

    result = task.apply_async(kwargs={"note": "later"}, countdown=600)

    assert result.state == "PENDING"
    assert world.jobs.get(result.id).state is JobState.SCHEDULED
    result.revoke()
    assert result.state == "REVOKED"


def test_a_dead_job_is_a_failure(world: World) -> None:
    world.worker()

    result = world.jobs.celery.tasks["engine.leak"].delay(password="s3cret-s3cret")

    with pytest.raises(JobDead):
        result.get(timeout=10)
    assert result.state == "FAILURE"
    assert "s3cret" not in str(result.result) + str(result.traceback)


def test_canvas_is_refused_with_the_way_out(make_world: Callable[..., World]) -> None:
    tasks = make_world().jobs.celery.tasks

    with pytest.raises(UnsupportedByJobkit, match="batches"):
        tasks["engine.record"].apply_async(kwargs={}, link=tasks["engine.parent"].s())


def test_inspect_jobs_lists_what_runs(world: World) -> None:
    world.worker()
    handle = world.jobs.enqueue("engine.patient", seconds=30)
    until(lambda: world.lines("start"), what="the start")

    inspect = world.jobs.celery.control.inspect(timeout=2)
    replies = until(lambda: inspect._request("jobs"), what="a reply")

    (listed,) = [job for jobs in replies.values() for job in jobs]
    assert listed["id"] == handle.id
    assert listed["task"] == "engine.patient"
    handle.cancel()


def test_a_quiet_worker_takes_nothing_new(world: World) -> None:
    world.worker()
    running = world.jobs.enqueue("engine.record", seconds=1.5)
    until(lambda: world.lines("start"), what="the start")

    until(lambda: world.jobs.celery.control.broadcast("quiet", reply=True, timeout=2), what="quiet")
    later = world.jobs.enqueue("engine.record")

    assert running.result(timeout=10) == 1
    time.sleep(1.5)
    assert later.state is JobState.AVAILABLE


def test_task_events_speak_of_jobs(make_world: Callable[..., World]) -> None:
    broker = make_world().broker()
    world = make_world(broker_url=broker.url)
    world.worker()
    celery = world.jobs.celery
    heard: list[dict[str, Any]] = []
    celery.control.enable_events()
    time.sleep(0.5)

    with celery.connection_for_read() as connection:
        receiver = celery.events.Receiver(connection, handlers={"*": heard.append})
        with receiver.consumer_context(wakeup=False) as (drained, _, _):
            # On Redis events are published, not kept: listen before there is something to hear.
            with contextlib.suppress(TimeoutError):
                drained.drain_events(timeout=0.5)
            handle = world.jobs.enqueue("engine.fail_until_third", note="events")
            handle.result(timeout=20)
            with contextlib.suppress(TimeoutError):
                while True:
                    drained.drain_events(timeout=1)

    mine = [event["type"] for event in heard if event.get("uuid") == handle.id]
    assert mine.count("task-started") == 3
    assert mine.count("task-retried") == 2
    assert mine[-1] == "task-succeeded"
    names = {event["name"] for event in heard if "name" in event}
    assert names == {"engine.fail_until_third"}


@pytest.mark.rabbitmq
def test_a_queue_that_was_declared_otherwise_is_rung_and_hinders_no_other(
    make_world: Callable[..., World], rabbitmq_url: str
) -> None:
    world = make_world(broker_url=rabbitmq_url)
    name = f"quorum-{uuid4().hex[:8]}"
    with world.jobs.celery.connection_for_write() as connection:
        channel = connection.channel()
        quorum = {"x-queue-type": "quorum"}
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=quorum)

        world.jobs.enqueue("engine.record", queue=name)
        world.jobs.runtime.ringer.flush(5)

        assert not world.jobs.runtime.ringer.open
        until(lambda: channel.queue_declare(name, passive=True)[1] == 1, 5, "the doorbell")
        channel.queue_delete(name)
