"""Workers without child processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Literal

import pytest
from world import World, until

from jobkit import JobCancelled, JobState

Pool = Literal["threads", "solo"]


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_jobs_run(make_world: Callable[..., World], pool: Pool) -> None:
    world = make_world()
    world.worker(pool=pool)

    handles = world.jobs.enqueue_many("engine.record", [{"note": str(n)} for n in range(20)])

    assert [handle.result(timeout=20) for handle in handles] == [1] * 20
    assert set(world.started().values()) == {1}


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_job_is_cancelled_where_it_looks(make_world: Callable[..., World], pool: Pool) -> None:
    world = make_world()
    world.worker(pool=pool)
    handle = world.jobs.enqueue("engine.patient", seconds=30)
    until(lambda: world.lines("start"), what="the start")

    handle.cancel()

    with pytest.raises(JobCancelled):
        handle.result(timeout=10)


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_worker_that_stops_gives_its_job_back(
    make_world: Callable[..., World], pool: Pool
) -> None:
    world = make_world()
    worker = world.worker(pool=pool)
    handle = world.jobs.enqueue("engine.patient", seconds=30)
    until(lambda: world.lines("start"), what="the start")

    worker.stop()

    assert handle.state is JobState.AVAILABLE
    assert handle.job().attempt == 0


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_killed_workers_job_is_rescued_after_the_longer_lease(
    make_world: Callable[..., World], pool: Pool
) -> None:
    world = make_world(thread_lease_seconds=4)
    worker = world.worker(pool=pool)
    handle = world.jobs.enqueue("engine.record", seconds=2)
    until(lambda: world.lines("start"), what="the start")

    os.killpg(worker.pid, signal.SIGKILL)
    world.worker(pool=pool)

    assert handle.result(timeout=30) == 2
