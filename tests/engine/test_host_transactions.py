"""Jobs in the host's own transaction, with a real worker beside it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine, text
from tests.servers import fresh_database
from world import HERE, World, until

from jobkit.clock import Clock
from jobkit.job import JobState
from jobkit.store.database import Database
from jobkit.store.drivers import normalise
from jobkit.store.migrating import upgrade


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> Iterator[World]:
    """Give a world whose store has a table of the host's as well."""
    if request.param == "sqlite":
        world = make_world()
        world.jobs.start()
        _add_orders(world)
        yield world
        return
    with fresh_database(request.param) as url:
        database = Database(url, clock=Clock())
        upgrade(database)
        database.dispose()
        world = make_world(store_url=url, secret_keys="a key that the tests of the engine share")
        _add_orders(world)
        yield world
        world.close()


def _engine(world: World) -> Engine:
    return create_engine(normalise(world.jobs.settings.store))


def _add_orders(world: World) -> None:
    engine = _engine(world)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE shop_orders (number INTEGER PRIMARY KEY)"))
    engine.dispose()


def orders(world: World) -> int:
    engine = _engine(world)
    with engine.connect() as conn:
        found = int(conn.execute(text("SELECT count(*) FROM shop_orders")).scalar_one())
    engine.dispose()
    return found


def host(world: World, how: str) -> tuple[str, int]:
    """Run the host in a process of its own; return its job's id and its exit code."""
    ran = subprocess.run(
        [sys.executable, "host_program.py", how],
        cwd=HERE,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin", **world.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout, ran.stderr
    return ran.stdout.strip(), ran.returncode


def test_a_job_that_is_rolled_back_never_was(world: World) -> None:
    world.worker()

    job, code = host(world, "rolled-back")

    assert code == 0
    time.sleep(2)
    assert world.started()[job] == 0
    assert world.jobs.find() == []
    assert orders(world) == 0


def test_a_job_that_is_committed_starts_within_a_second(world: World) -> None:
    # The keeper is slow here: it must be the ring that the worker hears.
    world.worker(keeper_seconds=30.0)
    engine = _engine(world)
    world.jobs.enqueue("engine.record", note="warm").wait(timeout=60)
    time.sleep(1)

    with engine.connect() as conn:
        conn.execute(text("INSERT INTO shop_orders VALUES (7)"))
        handle = world.jobs.enqueue("engine.record", note="committed", connection=conn)
        time.sleep(1)
        assert world.started()[handle.id] == 0
        conn.commit()
        committed = time.monotonic()
    until(lambda: world.started()[handle.id], 5, "the job")
    took = time.monotonic() - committed
    engine.dispose()

    assert handle.wait(timeout=5).state is JobState.COMPLETED
    # Within 1 s on a machine with nothing else to do.
    assert took < 5.0
    assert orders(world) == 1
    assert world.started()[handle.id] == 1


def test_a_job_runs_though_its_host_was_killed_before_the_ring(world: World) -> None:
    world.worker()

    job, code = host(world, "killed")

    assert code == -9
    done = world.jobs.get(job).wait(timeout=10)
    assert done.state is JobState.COMPLETED
    assert world.started() == {job: 1}
    assert orders(world) == 1


def test_a_program_rings_before_it_ends(world: World) -> None:
    world.worker(keeper_seconds=30.0)

    job, code = host(world, "committed")

    assert code == 0
    assert world.jobs.get(job).wait(timeout=5).state is JobState.COMPLETED
