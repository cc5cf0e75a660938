"""Due runs of schedules."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from tests.store.bench import Bench

from jobkit.store import changing, reading, scheduling


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


def test_a_period_has_one_run(bench: Bench) -> None:
    first, second = bench.new(), bench.new()
    bench.do(scheduling.due_run, "monthly", bench.now, first, bench.now, "2027-01")

    assert bench.see(scheduling.job_of_period, "monthly", "2027-01") == first.id
    assert bench.see(scheduling.job_of_period, "monthly", "2027-02") is None
    with pytest.raises(IntegrityError):
        bench.do(scheduling.due_run, "monthly", bench.later(1), second, bench.now, "2027-01")
    assert bench.do(scheduling.due_run, "other", bench.later(1), second, bench.now, "2027-01")


def test_a_run_that_is_passed_by_has_no_job(bench: Bench) -> None:
    assert bench.do(scheduling.pass_by, "nightly", bench.now, "skipped", bench.now)

    assert not bench.do(scheduling.due_run, "nightly", bench.now, bench.new(), bench.now)
    assert bench.see(scheduling.run_of, "nightly", bench.now) == ("", "skipped")
    assert bench.see(scheduling.run_of, "nightly", bench.later(1)) is None


def test_jobs_of_a_schedule_that_have_not_ended_are_found(bench: Bench) -> None:
    there, gone = bench.new(), bench.new()
    bench.do(scheduling.due_run, "nightly", bench.now, there, bench.now)
    bench.do(scheduling.due_run, "nightly", bench.later(1), gone, bench.now)
    bench.do(changing.cancel, gone.id, bench.now)
    bench.do(scheduling.due_run, "other", bench.now, bench.new(), bench.now)

    assert bench.see(scheduling.unfinished, "nightly") == [there.id]


def test_what_is_kept_of_a_schedule_is_changed_and_removed(bench: Bench) -> None:
    bench.do(scheduling.remember, "declared", bench.now, bench.now)
    bench.do(scheduling.change, "declared", bench.now, paused_at=bench.now)
    bench.do(scheduling.change, "stored", bench.now, task="shop.sell", definition="{}")

    rows = bench.see(scheduling.rows)

    assert rows["declared"].paused_at == rows["declared"].last_run_at == bench.now
    assert rows["stored"].task == "shop.sell"
    assert bench.do(scheduling.remove, "stored")
    assert not bench.do(scheduling.remove, "declared")


def test_one_of_many_watchers_tells_of_a_missing_run(bench: Bench) -> None:
    bench.do(scheduling.change, "nightly", bench.now, alerted_for=bench.now)

    told = [bench.do(scheduling.alert_once, "nightly", bench.later(60)) for _ in "123"]

    assert told == [True, False, False]
