"""The keeper's part of the store."""

from __future__ import annotations

from tests.store.bench import Bench

from jobkit.job import JobState
from jobkit.store import keeping, outcomes


def test_jobs_whose_time_has_come_are_staged(bench: Bench) -> None:
    due = bench.add(scheduled_at=bench.later(10))
    later = bench.add(scheduled_at=bench.later(10.000001))
    failed = bench.claimed(queue="mail")
    again = {"at": bench.later(5), "counted": True, "failure": None, "now": bench.now}
    bench.do(outcomes.retry, failed.id, failed.token, **again)
    bench.wait(10)

    assert bench.do(keeping.stage, bench.now) == {"default": 1, "mail": 1}

    assert bench.job(due).state is JobState.AVAILABLE
    assert bench.job(failed.id).state is JobState.AVAILABLE
    assert bench.job(later).state is JobState.SCHEDULED
    assert bench.do(keeping.stage, bench.now) == {}


def test_a_staged_job_has_the_place_of_its_time(bench: Bench) -> None:
    scheduled = bench.add(scheduled_at=bench.later(5))
    bench.wait(10)
    bench.add()
    bench.do(keeping.stage, bench.now)

    claim = bench.claim()

    assert claim.id == scheduled
    assert claim.scheduled_at == bench.later(-5)


def test_staging_goes_in_batches_the_longest_due_first(bench: Bench) -> None:
    ids = [bench.add(scheduled_at=bench.later(9 - n)) for n in range(5)]
    bench.wait(60)

    assert bench.do(keeping.stage, bench.now, 2) == {"default": 2}

    staged = {id for id in ids if bench.job(id).state is JobState.AVAILABLE}
    assert staged == set(ids[-2:])
    assert bench.do(keeping.stage, bench.now, 2) == {"default": 2}
    assert bench.do(keeping.stage, bench.now, 2) == {"default": 1}


def test_a_batch_counts_both_kinds_of_due_jobs(bench: Bench) -> None:
    bench.add(scheduled_at=bench.later(1))
    failed = bench.claimed()
    again = {"at": bench.later(2), "counted": True, "failure": None, "now": bench.now}
    bench.do(outcomes.retry, failed.id, failed.token, **again)
    bench.wait(60)

    assert [bench.do(keeping.stage, bench.now, 1) for _ in "123"] == [
        {"default": 1},
        {"default": 1},
        {},
    ]


def test_the_next_due_time_is_the_earliest(bench: Bench) -> None:
    assert bench.see(keeping.next_due) is None
    bench.add(scheduled_at=bench.later(30))
    failed = bench.claimed()
    again = {"at": bench.later(20), "counted": True, "failure": None, "now": bench.now}
    bench.do(outcomes.retry, failed.id, failed.token, **again)

    assert bench.see(keeping.next_due) == bench.later(20)


def test_waiting_jobs_are_counted_up_to_a_cap(bench: Bench) -> None:
    for _ in range(5):
        bench.add(queue="mail")
    bench.add(queue="slow")
    bench.add(queue="slow", scheduled_at=bench.later(1))
    bench.claimed(queue="slow")
    bench.add(queue="unasked")

    counted = bench.see(keeping.waiting, ["mail", "slow", "empty"], cap=3)

    assert counted == {"mail": 3, "slow": 1, "empty": 0}
    assert bench.see(keeping.waiting, []) == {}


def test_a_lease_has_one_holder_at_a_time(bench: Bench) -> None:
    assert bench.do(keeping.take_lease, "keeper", "a", bench.now, 5)
    assert not bench.do(keeping.take_lease, "keeper", "b", bench.now, 5)
    assert bench.do(keeping.take_lease, "other", "b", bench.now, 5)


def test_a_holder_renews_its_lease(bench: Bench) -> None:
    bench.do(keeping.take_lease, "keeper", "a", bench.now, 5)
    bench.wait(4)

    assert bench.do(keeping.take_lease, "keeper", "a", bench.now, 5)
    bench.wait(4)
    assert not bench.do(keeping.take_lease, "keeper", "b", bench.now, 5)


def test_a_lease_that_ran_out_is_taken_over(bench: Bench) -> None:
    bench.do(keeping.take_lease, "keeper", "a", bench.now, 5)
    bench.wait(5.001)

    assert bench.do(keeping.take_lease, "keeper", "b", bench.now, 5)
    assert not bench.do(keeping.take_lease, "keeper", "a", bench.now, 5)


def test_only_its_holder_drops_a_lease(bench: Bench) -> None:
    bench.do(keeping.take_lease, "keeper", "a", bench.now, 5)

    bench.do(keeping.drop_lease, "keeper", "b")
    assert not bench.do(keeping.take_lease, "keeper", "b", bench.now, 5)
    bench.do(keeping.drop_lease, "keeper", "a")
    assert bench.do(keeping.take_lease, "keeper", "b", bench.now, 5)
