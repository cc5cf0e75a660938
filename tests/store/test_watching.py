"""The looks over the store that are taken again and again."""

from __future__ import annotations

from tests.store.bench import Bench

from jobkit.store import changing, outcomes, watching
from jobkit.store.watching import Glance, Held


def test_a_worker_sees_what_it_holds(bench: Bench) -> None:
    mine, other = bench.claimed(), bench.add()
    bench.claim(worker="worker-2", hint=other)
    bench.completed()

    assert bench.see(watching.held_by, "worker-1") == [Held(mine.id, mine.token, False, bench.now)]
    bench.do(changing.cancel, mine.id, bench.now)
    assert bench.see(watching.held_by, "worker-1") == [Held(mine.id, mine.token, True, bench.now)]
    assert bench.see(watching.held_by, "worker-3") == []


def test_a_glance_at_an_idle_store_finds_nothing(bench: Bench) -> None:
    bench.worker()
    bench.claimed()
    bench.completed()
    bench.add(scheduled_at=bench.later(1))

    assert bench.see(watching.glance, bench.now) == Glance(due=False, lost=False, available=False)


def test_a_glance_finds_each_kind_of_work(bench: Bench) -> None:
    bench.worker(lease=10)
    bench.claimed()
    bench.add(scheduled_at=bench.later(20))
    failed = bench.claimed()
    again = {"at": bench.later(15), "counted": True, "failure": None, "now": bench.now}
    bench.do(outcomes.retry, failed.id, failed.token, **again)

    bench.wait(11)
    assert bench.see(watching.glance, bench.now) == Glance(due=False, lost=True, available=False)
    bench.wait(4)
    assert bench.see(watching.glance, bench.now) == Glance(due=True, lost=True, available=False)
    bench.add()
    assert bench.see(watching.glance, bench.now) == Glance(due=True, lost=True, available=True)
