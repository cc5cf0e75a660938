"""Forgetting what ended long ago."""

from __future__ import annotations

from tests.store.bench import Bench

from jobkit.job import JobState
from jobkit.store import reading, retention
from jobkit.store.reading import JobFilter


def prune(bench: Bench, limit: int = 500, **days: float) -> int:
    before = {
        f"{state}_before": bench.later(-3600 * hours)
        for state, hours in {"completed": 1, "cancelled": 2, "dead": 3, **days}.items()
    }
    return bench.do(retention.prune, **before, now=bench.now, limit=limit)


def left(bench: Bench) -> set[str]:
    return {job.id for job in bench.see(reading.find, JobFilter())}


def test_each_state_is_kept_for_its_own_time(bench: Bench) -> None:
    bench.completed()
    cancelled, dead = bench.cancelled(), bench.dead()

    bench.wait(3600)
    assert prune(bench) == 0
    bench.wait(1)
    assert prune(bench) == 1
    assert left(bench) == {cancelled, dead}
    bench.wait(3600)
    assert prune(bench) == 1
    assert left(bench) == {dead}
    bench.wait(3600)
    assert prune(bench) == 1
    assert left(bench) == set()


def test_what_has_not_ended_is_kept_for_ever(bench: Bench) -> None:
    kept = {bench.claimed().id, bench.add(), bench.add(scheduled_at=bench.later(1))}
    bench.wait(10_000_000)

    assert prune(bench) == 0
    assert left(bench) == kept


def test_pruning_goes_in_batches_the_oldest_first(bench: Bench) -> None:
    oldest = bench.completed()
    bench.wait(1)
    for _ in range(2):
        bench.completed()
    bench.cancelled()
    bench.wait(100_000)

    assert prune(bench, limit=1) == 1
    assert oldest not in left(bench)
    assert prune(bench, limit=2) == 2
    assert prune(bench, limit=2) == 1


def test_a_moment_in_the_future_means_now(bench: Bench) -> None:
    bench.completed()
    bench.wait(1)
    bench.add()

    assert prune(bench, completed=-99) == 1


def test_failures_go_with_their_job(bench: Bench) -> None:
    bench.dead()
    assert bench.see(reading.counts) == {"default": {JobState.DEAD: 1}}
    bench.wait(100_000)

    prune(bench)

    rows = "SELECT count(*) FROM jobkit_failures"
    assert bench.see(lambda conn: conn.exec_driver_sql(rows).scalar()) == 0
