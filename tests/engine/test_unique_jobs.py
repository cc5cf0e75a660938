"""Unique jobs as a real worker meets them: from strangers, and from inside of jobs."""

from __future__ import annotations

from collections import Counter

from celery import Celery
from world import World, until

from jobkit.job import JobState


def test_strangers_who_send_the_same_work_make_one_job(world: World) -> None:
    first = world.jobs.enqueue("engine.alone", note="same", delay=3600)
    world.worker()
    stranger = Celery(broker=world.jobs.celery.conf.broker_url, set_as_current=False)

    for note in ("same", "other", "same"):
        stranger.send_task("engine.alone", kwargs={"note": note})
    # Messages are adopted in order: with this one, those before it are settled.
    stranger.send_task("engine.record", kwargs={"note": "last"})
    until(lambda: world.lines("end"), what="the last message")

    tasks = Counter(job.task for job in world.jobs.find())
    assert tasks == {"engine.alone": 2, "engine.record": 1}
    assert first.state is JobState.SCHEDULED


def test_a_follow_up_that_is_there_already_does_not_fail_its_parent(world: World) -> None:
    there = world.jobs.enqueue("engine.alone", note="here already", delay=3600)
    world.worker()

    parent = world.jobs.enqueue("engine.alone", note="parent")

    assert parent.wait(timeout=20).state is JobState.COMPLETED
    until(lambda: len(world.lines("start")) == 2, what="the new one")
    assert {line[3] for line in world.lines("start")} == {"parent", "new"}
    assert len(world.jobs.find()) == 3
    assert there.state is JobState.SCHEDULED
