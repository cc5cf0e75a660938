"""The workers' heartbeats."""

from __future__ import annotations

from dataclasses import replace

from tests.store.bench import Bench

from jobkit.store import workers


def beat(bench: Bench, id: str, lease: float = 10.0) -> bool:
    given = {"busy": 2, "quiet": True, "queues": ["slow"], "now": bench.now, "lease": lease}
    return bench.do(workers.beat, id, **given)


def test_a_registered_worker_lives_for_its_lease(bench: Bench) -> None:
    worker = bench.worker(lease=10)

    assert bench.see(workers.living, bench.later(10)) == [worker]
    assert bench.see(workers.living, bench.later(10.001)) == []


def test_a_heartbeat_renews_the_lease_and_tells_the_news(bench: Bench) -> None:
    worker = bench.worker(lease=10)
    bench.wait(8)

    assert beat(bench, "worker-1", lease=20)

    news = {"busy": 2, "quiet": True, "queues": ("slow",)}
    times = {"heartbeat_at": bench.now, "expires_at": bench.later(20)}
    assert bench.see(workers.living, bench.now) == [replace(worker, **news, **times)]


def test_a_worker_whose_row_is_gone_is_told_to_register(bench: Bench) -> None:
    worker = bench.worker()
    bench.do(workers.remove, "worker-1")

    assert not beat(bench, "worker-1")
    bench.do(workers.register, worker, bench.now, 10.0)
    assert beat(bench, "worker-1")


def test_a_worker_that_expired_may_come_back(bench: Bench) -> None:
    bench.worker(lease=10)
    bench.wait(60)

    assert beat(bench, "worker-1")
    assert len(bench.see(workers.living, bench.now)) == 1


def test_workers_long_gone_are_swept(bench: Bench) -> None:
    bench.worker("long-gone", lease=10)
    bench.wait(3600)
    bench.worker("just-gone", lease=0)
    bench.wait(11)

    assert bench.do(workers.sweep, bench.now) == 1
    assert not beat(bench, "long-gone")
    assert beat(bench, "just-gone")
