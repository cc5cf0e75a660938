"""Brokers and stores that go away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from proxy import CuttableProxy
from sqlalchemy.engine import make_url
from world import World, until

from jobkit import JobState
from jobkit.store import reading
from jobkit.store.migrating import upgrade

MANY = 100


def test_enqueueing_does_not_wait_for_a_broker_that_is_down_and_nothing_is_lost(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    broker = world.broker()
    world = make_world(broker_url=broker.url)
    worker = world.worker()
    broker.stop()

    began = time.monotonic()
    handles = [world.jobs.enqueue("engine.record")]
    first = time.monotonic() - began
    handles += [world.jobs.enqueue("engine.record") for _ in range(MANY - 1)]
    every = time.monotonic() - began
    broker.start()

    assert first < 2
    assert every < 10
    assert [handle.wait(60).state for handle in handles] == [JobState.COMPLETED] * MANY
    assert set(world.started().values()) == {1}
    assert worker.running


def test_enqueueing_does_not_wait_for_a_broker_that_does_not_answer(
    make_world: Callable[..., World],
) -> None:
    # Nothing listens at this address of the documentation's network (RFC 5737), or packets to it
    # are dropped: the worst kind of down.
    world = make_world(broker_url="redis://192.0.2.1:6379/0")

    began = time.monotonic()
    handle = world.jobs.enqueue("engine.record")

    assert time.monotonic() - began < 2
    assert handle.state is JobState.AVAILABLE


def test_waiting_jobs_survive_a_broker_that_forgets_everything(
    make_world: Callable[..., World],
) -> None:
    broker = make_world().broker()
    world = make_world(broker_url=broker.url)
    handles = world.jobs.enqueue_many("engine.record", [{"note": str(n)} for n in range(MANY)])
    world.jobs.runtime.ringer.flush(5)
    assert broker.length("engine") > 0

    broker.flush()
    world.worker()

    assert [handle.wait(60).state for handle in handles] == [JobState.COMPLETED] * MANY


def test_the_brokers_queue_stays_short_while_nobody_serves_it(
    make_world: Callable[..., World],
) -> None:
    broker = make_world().broker()
    world = make_world(broker_url=broker.url)
    jobs = world.jobs

    for _ in range(20):
        jobs.enqueue_many("engine.record", [{}] * 5_000)
    for _ in range(500):
        jobs.enqueue("engine.record")
    jobs.runtime.ringer.flush(5)

    with jobs.database.read() as conn:
        assert reading.counts(conn)["engine"][JobState.AVAILABLE] == 100_500
    assert broker.length("engine") < 100


@pytest.fixture
def proxied(
    postgres_url: str, make_world: Callable[..., World]
) -> Iterator[tuple[World, CuttableProxy]]:
    real = make_url(postgres_url)
    proxy = CuttableProxy((real.host or "127.0.0.1", real.port or 5432))
    url = real.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    broker = make_world().broker()
    # The server's clean-up of unacknowledged messages is tried often enough for a test.
    world = make_world(
        store_url=url, broker_url=broker.url, store_timeout_seconds=2, secret_keys="a test key"
    )
    upgrade(world.jobs.database)
    yield world, proxy
    world.jobs.close()
    proxy.close()


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_foreign_messages_stay_with_the_broker_until_the_store_has_them(
    proxied: tuple[World, CuttableProxy],
) -> None:
    world, proxy = proxied
    worker = world.worker()
    url = str(world.settings["broker_url"])
    stranger = Celery(broker=url, set_as_current=False)
    proxy.cut()

    sent = [stranger.send_task("engine.record", kwargs={"note": str(n)}).id for n in range(MANY)]
    until(lambda: "messages wait" in worker.log(), 30, "the worker to notice")
    worker.kill()
    proxy.heal()
    world.worker()

    def adopted() -> int:
        # The connections of this process were cut too.
        return world.jobs.database.fetch(
            lambda conn: sum(reading.get(conn, celery_id) is not None for celery_id in sent)
        )

    # A killed worker's unacknowledged messages come back after the visibility timeout of 60 s.
    until(lambda: adopted() == MANY, 110, "every message to become a row")
    until(
        lambda: all(world.jobs.get(one).state is JobState.COMPLETED for one in sent), 30, "the jobs"
    )
    rows = [job for job in world.jobs.find(limit=500) if job.foreign_id in set(sent)]
    assert len(rows) == MANY


@pytest.mark.postgres
def test_an_outcome_waits_for_a_store_that_is_away(proxied: tuple[World, CuttableProxy]) -> None:
    world, proxy = proxied
    worker = world.worker(lease_seconds=30)
    handle = world.jobs.enqueue("engine.record", seconds=1)
    until(lambda: world.lines("start"), what="the start")

    proxy.cut()
    until(lambda: "its outcome waits" in worker.log(), 20, "the outcome to wait")
    proxy.heal()

    assert handle.wait(30).state is JobState.COMPLETED
    assert world.started()[handle.id] == 1


@pytest.mark.postgres
def test_a_worker_finds_its_store_again(proxied: tuple[World, CuttableProxy]) -> None:
    world, proxy = proxied
    worker = world.worker()

    proxy.cut()
    until(lambda: "the job store is away" in worker.log(), 20, "the worker to notice")
    proxy.heal()

    assert world.jobs.enqueue("engine.record").result(timeout=30) == 1
