"""Runs that were missed, that overlap, that are paused, run by hand or made up for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobkit import Cron, Every, JobContext, Jobkit, Payload, SchedulePolicy, Settings, TaskSet
from jobkit.adapters.memory import MemoryTenants
from jobkit.adapters.tenants import Tenant, Tenants
from jobkit.errors import ConfigurationError, InvalidPayload, UnknownSchedule
from jobkit.job import Job, JobState
from jobkit.store import scheduling
from jobkit.testing import TimeTravel, drain
from jobkit.timetable import MissingRun

START = datetime(2027, 3, 1, 6, 59, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Note(Payload):
    note: str = ""
    tenant_id: str | None = None


class Shop:
    """Hold one application with one schedule, and a time to travel in."""

    def __init__(self, folder: Path) -> None:
        self.travel = TimeTravel(folder / "travel")
        self.travel.travel_to(START)
        self.folder = folder
        self.made: list[Jobkit] = []

    def jobs(self, policy: SchedulePolicy | None = None, schedule: object = None) -> Jobkit:
        tasks = TaskSet("shop")

        @tasks.task(schedule=schedule or Every(60), schedule_policy=policy)  # type: ignore[arg-type]
        def report(payload: Note, *, job: JobContext) -> str:
            """Say for when it is."""
            assert job.scheduled_for is not None
            return job.scheduled_for.isoformat()

        @tasks.task()
        def other(payload: Note) -> str:
            """Have no schedule of its own."""
            return payload.note

        jobs = Jobkit(
            Settings(data_dir=self.folder), tasks=[tasks], clock=self.travel.clock,
            ringer=lambda queue, times: None,
        )  # fmt: skip
        jobs.adapters.bind(Tenants).to(
            MemoryTenants(
                Tenant("accra", "Accra", "Africa/Accra"), Tenant("tokyo", "Tokyo", "Asia/Tokyo")
            )
        )
        self.made.append(jobs)
        return jobs

    def to(self, minutes: float) -> None:
        self.travel.travel_to(START + minutes * MINUTE)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    for jobs in shop.made:
        jobs.close()


def runs(jobs: Jobkit) -> list[float]:
    """Return for which minutes after the start jobs were made, the oldest first."""
    found = [job.scheduled_for for job in jobs.find()]
    return sorted((run - START) / MINUTE for run in found if run is not None)


def of(jobs: Jobkit, minutes: float) -> Job:
    (found,) = (job for job in jobs.find() if job.scheduled_for == START + minutes * MINUTE)
    return found


@pytest.mark.parametrize(
    ("policy", "made"),
    [
        (SchedulePolicy(), [4.5]),
        (SchedulePolicy(misfire="once", window=timedelta(seconds=10)), []),
        (SchedulePolicy(misfire="skip", window=timedelta(seconds=10)), []),
        (SchedulePolicy(misfire="skip"), [4.5]),
        (SchedulePolicy(misfire="all"), [0.5, 1.5, 2.5, 3.5, 4.5]),
        (SchedulePolicy(misfire="all", window=2 * MINUTE), [3.5, 4.5]),
    ],
)
def test_missed_runs_are_made_up_for_by_policy(
    shop: Shop, policy: SchedulePolicy, made: list[float]
) -> None:
    jobs = shop.jobs(policy)
    jobs.schedules.ticker().tick()

    shop.to(5)
    jobs.schedules.ticker().tick()

    assert runs(jobs) == made


def test_after_missed_runs_the_next_one_comes(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(misfire="skip", window=timedelta(seconds=10)))
    ticker = jobs.schedules.ticker()
    ticker.tick()
    shop.to(5)
    ticker.tick()

    shop.to(5.51)
    ticker.tick()

    assert runs(jobs) == [5.5]


def test_many_missed_runs_are_made_up_for_without_a_rush(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(misfire="all"))
    ticker = jobs.schedules.ticker()
    ticker.tick()
    shop.to(250)

    made = []
    for _ in range(4):
        ticker.tick()
        made.append(len(jobs.find(limit=1000)))

    assert made == [100, 200, 250, 250]


def test_any_number_of_beats_make_each_run_once(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(misfire="all"))
    tickers = [jobs.schedules.ticker() for _ in range(3)]

    for minute in range(5):
        shop.to(minute)
        for ticker in tickers:
            ticker.tick()

    assert runs(jobs) == [0.5, 1.5, 2.5, 3.5]


def test_overlap_skip_passes_runs_by_while_one_has_not_ended(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(overlap="skip"))
    ticker = jobs.schedules.ticker()
    for minute in (0, 1, 2):
        shop.to(minute)
        ticker.tick()
    drain(jobs)

    shop.to(3)
    ticker.tick()

    assert runs(jobs) == [0.5, 2.5]


def test_overlap_queue_one_makes_up_for_the_latest_when_one_has_ended(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(overlap="queue_one"))
    ticker = jobs.schedules.ticker()
    for minute in (0, 1, 2, 3):
        shop.to(minute)
        ticker.tick()
    assert runs(jobs) == [0.5]

    drain(jobs)
    ticker.tick()

    assert runs(jobs) == [0.5, 2.5]


def test_overlap_cancel_running_ends_the_earlier_one(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(overlap="cancel_running"))
    tickers = [jobs.schedules.ticker() for _ in range(2)]

    for minute in (0, 1, 2):
        shop.to(minute)
        for ticker in tickers:
            ticker.tick()

    assert of(jobs, 0.5).state is JobState.CANCELLED
    assert of(jobs, 1.5).state is JobState.AVAILABLE


def test_a_pause_outlives_restarts_and_its_runs_are_not_made_up_for(shop: Shop) -> None:
    first = shop.jobs(SchedulePolicy(misfire="all"))
    ticker = first.schedules.ticker()
    ticker.tick()
    first.schedules.pause("shop.report")
    shop.to(3)
    ticker.tick()
    again = shop.jobs(SchedulePolicy(misfire="all"))
    other = again.schedules.ticker()
    other.tick()
    assert again.schedules.paused() == {"shop.report"}
    assert runs(again) == []

    again.schedules.resume("shop.report")
    shop.to(4)
    for one in (ticker, other):
        one.tick()

    assert runs(again) == [3.5]


def test_one_occurrence_is_skipped(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(misfire="all"))
    ticker = jobs.schedules.ticker()
    ticker.tick()

    skipped = jobs.schedules.skip("shop.report")
    first, second = jobs.schedules.next("shop.report", 2)
    again = jobs.schedules.skip("shop.report")
    shop.to(3)
    ticker.tick()

    assert again == second.run_at
    assert skipped == first.run_at == START + 0.5 * MINUTE
    assert (first.skipped, second.skipped) == (True, False)
    assert runs(jobs) == [2.5]
    with pytest.raises(ConfigurationError, match="no run"):
        jobs.schedules.skip("shop.report", START)


def test_run_now_runs_now_whatever_the_policy(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(overlap="skip"))
    jobs.schedules.pause("shop.report")

    (handle,) = jobs.schedules.run("shop.report")
    drain(jobs)

    job = handle.job()
    assert (job.state, job.schedule) == (JobState.COMPLETED, "shop.report")
    assert handle.result() == str(job.scheduled_for).replace(" ", "T")


def test_a_range_is_backfilled_once(shop: Shop) -> None:
    jobs = shop.jobs()
    since, until = START - 3 * MINUTE, START

    first = jobs.schedules.backfill("shop.report", since, until)
    second = jobs.schedules.backfill("shop.report", since, until)

    assert runs(jobs) == [-2.5, -1.5, -0.5]
    assert (len(first), second) == (3, [])
    with pytest.raises(ConfigurationError, match="past"):
        jobs.schedules.backfill("shop.report", since, START + MINUTE)
    with pytest.raises(ConfigurationError, match="1000"):
        jobs.schedules.backfill("shop.report", START - timedelta(days=1), START)


def test_a_period_has_one_run_by_whatever_way_it_came(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(period="month"), Cron("0 7 * * *"))
    ticker = jobs.schedules.ticker()
    ticker.tick()
    (by_hand,) = jobs.schedules.run("shop.report")

    shop.to(3 * 24 * 60)
    ticker.tick()
    (again,) = jobs.schedules.run("shop.report")
    assert (again.id, len(jobs.find())) == (by_hand.id, 1)

    shop.to(31 * 24 * 60 + 1)
    ticker.tick()
    assert len(jobs.find()) == 2


@pytest.mark.parametrize(
    ("period", "named"),
    [("hour", "2027-01-01T05+01:00"), ("day", "2027-01-01"), ("week", "2026-W53"),
     ("month", "2027-01"), ("quarter", "2027-Q1"), ("year", "2027")],
)  # fmt: skip
def test_periods_are_those_of_the_zone(period: str, named: str) -> None:
    policy = SchedulePolicy(period=period)  # type: ignore[arg-type]

    assert policy.period_of(datetime(2027, 1, 1, 4, tzinfo=UTC), "Europe/Berlin") == named


def test_schedules_are_added_and_removed_at_run_time(shop: Shop) -> None:
    jobs, another = shop.jobs(schedule=Cron("0 0 1 1 *")), shop.jobs(schedule=Cron("0 0 1 1 *"))
    ticker = another.schedules.ticker()
    policy = SchedulePolicy(overlap="skip", window=timedelta(hours=1))

    jobs.schedules.add("nightly", "shop.other", Every(60, jitter=5), {"note": "hi"}, policy)
    ticker.tick()
    shop.to(1)
    ticker.tick()

    (job,) = jobs.find()
    assert (job.task, job.schedule, json.loads(job.payload)["note"]) == (
        "shop.other", "nightly", "hi",
    )  # fmt: skip
    entry = another.schedules.get("nightly")
    assert (entry.schedule, entry.policy, entry.stored) == (Every(60, jitter=5), policy, True)
    jobs.schedules.remove("nightly")
    shop.to(9)
    ticker.tick()
    assert len(jobs.find()) == 1
    with pytest.raises(UnknownSchedule):
        jobs.schedules.remove("nightly")
    with pytest.raises(UnknownSchedule):
        jobs.schedules.run("nightly")


def test_what_could_not_run_is_not_added(shop: Shop) -> None:
    jobs = shop.jobs()

    with pytest.raises(InvalidPayload):
        jobs.schedules.add("nightly", "shop.other", Every(60), {"nope": 1})
    with pytest.raises(ConfigurationError, match="taken"):
        jobs.schedules.add("shop.report", "shop.other", Every(60))


def test_each_tenant_runs_in_its_own_zone_with_its_own_id(shop: Shop) -> None:
    policy = SchedulePolicy(per_tenant=True, spread=600)
    jobs = shop.jobs(policy, Cron("0 7 * * *"))
    ticker = jobs.schedules.ticker()
    ticker.tick()

    shop.to(24 * 60)
    ticker.tick()

    made = {job.tenant_id: job for job in jobs.find()}
    assert {tenant: str(job.scheduled_for) for tenant, job in made.items()} == {
        "accra": "2027-03-01 07:00:00+00:00",
        "tokyo": "2027-03-01 22:00:00+00:00",
    }
    assert made["accra"].schedule == "shop.report[accra]"


def test_tenants_are_spread_always_alike(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(per_tenant=True, spread=600), Every(60))
    entry = jobs.schedules.get("shop.report")

    lines = list(jobs.schedules.lines.of(entry))
    waits = [(line.starts_at(START) - START).total_seconds() for line in lines]

    assert all(0 <= wait < 600 for wait in waits)
    assert len(set(waits)) == 2
    assert waits == [(line.starts_at(START) - START).total_seconds() for line in lines]


def test_a_missing_run_is_told_once(shop: Shop) -> None:
    jobs = shop.jobs(SchedulePolicy(alert_after=30))
    told: list[MissingRun] = []
    jobs.schedules.on_missing(told.append)
    ticker = jobs.schedules.ticker()
    jobs.schedules.watch()
    ticker.tick()
    shop.to(0.6)
    ticker.tick()
    drain(jobs)

    shop.to(1.1)  # the first run is complete
    jobs.schedules.watch()
    assert told == []

    shop.to(2.1)  # the second was never enqueued: no beat
    jobs.schedules.watch()
    jobs.schedules.watch()
    assert [(one.run_at, one.state) for one in told] == [(START + 1.5 * MINUTE, None)]

    shop.to(2.6)  # the third hangs
    ticker.tick()
    shop.to(3.1)
    jobs.schedules.watch()
    assert told[-1].state == "available"


@pytest.mark.parametrize(
    "wrong",
    [{"misfire": "never"}, {"overlap": "x"}, {"period": "eon"}, {"spread": -1},
     {"alert_after": 0}, {"window": timedelta(0)}, {"overlap": "queue_one", "misfire": "all"}],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        SchedulePolicy(**wrong)  # type: ignore[arg-type]


def test_a_stored_schedule_that_cannot_be_read_leaves_the_others_running(shop: Shop) -> None:
    jobs = shop.jobs()
    jobs.schedules.add("nightly", "shop.other", Every(60))
    broken = {"definition": '{"lunar": 1}'}
    jobs.database.write(lambda conn: scheduling.change(conn, "nightly", START, **broken))
    ticker = jobs.schedules.ticker()
    ticker.tick()

    shop.to(1)
    ticker.tick()

    assert [entry.name for entry in jobs.schedules.entries()] == ["shop.report"]
    assert runs(jobs) == [0.5]
