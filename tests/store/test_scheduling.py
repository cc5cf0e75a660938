"""Due runs of schedules."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from tests.store.bench import Bench

from jobkit.store import reading, scheduling


def test_a_due_run_is_stored_by_the_first_who_tries(bench: Bench) -> None:
    run_at = bench.now
    first, second = (bench.new(schedule="nightly", scheduled_for=run_at) for _ in "12")

    assert bench.do(scheduling.due_run, "nightly", run_at, first, bench.now)
    assert not bench.do(scheduling.due_run, "nightly", run_at, second, bench.now)

    assert [job.id for job in bench.see(reading.find, reading.JobFilter())] == [first.id]


def test_other_runs_and_other_schedules_are_their_own(bench: Bench) -> None:
    assert bench.do(scheduling.due_run, "nightly", bench.now, bench.new(), bench.now)
    assert bench.do(scheduling.due_run, "nightly", bench.later(1), bench.new(), bench.now)
    assert bench.do(scheduling.due_run, "Nightly", bench.now, bench.new(), bench.now)


def test_a_run_whose_job_cannot_be_stored_is_not_used_up(bench: Bench) -> None:
    there = bench.add()
    with pytest.raises(IntegrityError):
        bench.do(scheduling.due_run, "nightly", bench.now, bench.new(id=there), bench.now)

    assert bench.do(scheduling.due_run, "nightly", bench.now, bench.new(), bench.now)


def test_the_last_run_is_remembered_and_never_goes_back(bench: Bench) -> None:
    assert bench.see(scheduling.last_run, "nightly") is None

    for run_at in (bench.later(10), bench.later(20), bench.later(15)):
        bench.do(scheduling.remember, "nightly", run_at, bench.now)

    assert bench.see(scheduling.last_run, "nightly") == bench.later(20)
    assert bench.see(scheduling.last_run, "weekly") is None
