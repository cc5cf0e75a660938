"""What happens to jobs when processes are killed, stopped and deployed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from world import World, until

from jobkit import JobState
from jobkit.store import outcomes


def test_a_job_survives_the_kill_of_its_whole_worker(world: World) -> None:
    first = world.worker()
    handle = world.jobs.enqueue("engine.record", seconds=3)
    until(lambda: world.lines("start"), what="the start")

    first.kill()
    world.worker()
    again = time.monotonic()

    assert handle.result(timeout=30) == 2
    job = handle.job()
    assert (job.attempt, job.crashes) == (2, 1)
    assert world.started()[handle.id] == 2
    # From another worker's readiness: the rest of the lease, and 5 s; the job itself takes 3.
    assert time.monotonic() - again < 5 + 5 + 3


def test_a_run_that_lost_its_claim_cannot_write(world: World) -> None:
    first = world.worker()
    handle = world.jobs.enqueue("engine.record", seconds=9)
    until(lambda: world.lines("start"), what="the start")
    # Everything of the first worker stands still for longer than its lease.
    os.killpg(first.pid, signal.SIGSTOP)
    world.worker()
    until(lambda: len(world.lines("start")) == 2, what="the rescue")

    os.killpg(first.pid, signal.SIGCONT)
    until(lambda: "lost its job" in first.log(), 30, "the first run's end")

    assert handle.result(timeout=30) == 2
    assert handle.job().attempt == 2


def test_a_token_that_is_not_the_claims_writes_nothing(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.worker()
    handle = world.jobs.enqueue("engine.record", seconds=2)
    until(lambda: world.lines("start"), what="the start")

    jobs = world.jobs
    written = jobs.database.write(
        lambda conn: outcomes.complete(conn, handle.id, "0" * 32, "99", jobs.clock.now())
    )

    assert not written
    assert handle.result(timeout=10) == 1


def test_a_job_that_kills_its_process_at_each_start_is_quarantined(world: World) -> None:
    worker = world.worker()

    handle = world.jobs.enqueue("engine.kill_own_process")
    job = handle.wait(40)

    assert (job.state, job.reason, job.crashes) == (JobState.DEAD, "poison", 5)
    assert world.started()[handle.id] == 5
    assert worker.running
    assert world.jobs.enqueue("engine.record").result(timeout=20) == 1


def test_a_poisonous_job_gets_a_new_count_when_it_is_retried(world: World) -> None:
    world.worker(max_crashes=2)
    handle = world.jobs.enqueue("engine.kill_own_process")
    assert handle.wait(30).reason == "poison"

    handle.retry()

    assert handle.wait(30).crashes == 2
    assert world.started()[handle.id] == 4


def test_ten_deploys_do_not_make_a_job_poison_nor_cost_it_attempts(
    make_world: Callable[..., World],
) -> None:
    world = make_world(grace_seconds=0.2)
    handle = world.jobs.enqueue("engine.record", seconds=1.5)

    for deploy in range(1, 11):
        worker = world.worker()
        until(lambda n=deploy: world.started()[handle.id] == n, 20, f"start {deploy}")
        worker.stop()
        assert handle.state is JobState.AVAILABLE

    world.worker()
    assert handle.result(timeout=20) == 1
    job = handle.job()
    assert (job.attempt, job.crashes) == (1, 0)


def test_a_worker_that_stops_lets_short_jobs_end(world: World) -> None:
    worker = world.worker(grace_seconds=10)
    handle = world.jobs.enqueue("engine.record", seconds=1)
    until(lambda: world.lines("start"), what="the start")

    assert worker.stop() == 0

    assert handle.job().state is JobState.COMPLETED


def test_a_killed_child_costs_only_its_own_job(world: World) -> None:
    world.worker()
    victim = world.jobs.enqueue("engine.record", seconds=3, note="victim")
    other = world.jobs.enqueue("engine.record", seconds=3, note="other")
    until(lambda: len(world.lines("start")) == 2, what="both starts")
    (pid,) = [int(line[-1]) for line in world.lines("start") if line[1] == victim.id]

    os.kill(pid, signal.SIGKILL)

    assert victim.result(timeout=20) == 2
    assert other.result(timeout=20) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_no_way_to_stop_a_worker_leaves_processes_behind(
    make_world: Callable[..., World], number: int
) -> None:
    world = make_world()
    worker = world.worker()
    handle = world.jobs.enqueue("engine.record", seconds=30)
    until(lambda: world.lines("start"), what="the start")

    worker.signal(number)
    until(lambda: not worker.running, 30, worker.log())

    assert handle.state is JobState.AVAILABLE
    assert handle.job().attempt == 0
    until(lambda: not group_lives(worker.pid), 10, "children and the embedded server to end")


def group_lives(pgid: int) -> bool:
    """Tell whether a process of the group runs; one that nobody waited for does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == pgid and state not in "ZX":
                return True
    return False
