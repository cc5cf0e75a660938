"""Long jobs and the leases of the workers that run them."""

from __future__ import annotations

import time

import pytest
from world import World


def test_a_job_that_holds_the_gil_past_its_lease_runs_once(world: World) -> None:
    world.worker(lease_seconds=5)
    world.worker(lease_seconds=5)

    handle = world.jobs.enqueue("engine.hold_the_gil", seconds=30)

    assert handle.result(timeout=60) == "done"
    assert world.started() == {handle.id: 1}
    assert handle.job().attempt == 1


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_job_that_holds_the_gil_for_90_seconds_runs_once(world: World) -> None:
    world.worker(lease_seconds=10)
    world.worker(lease_seconds=10)

    handle = world.jobs.enqueue("engine.hold_the_gil", seconds=90)

    assert handle.result(timeout=150) == "done"
    assert world.started() == {handle.id: 1}


def test_many_short_jobs_over_two_workers_each_run_once(world: World) -> None:
    world.worker()
    world.worker()

    handles = world.jobs.enqueue_many("engine.record", [{"note": str(n)} for n in range(300)])
    began = time.monotonic()
    for handle in handles:
        handle.wait(60)

    assert time.monotonic() - began < 60
    assert set(world.started().values()) == {1}
    assert len(world.started()) == 300
