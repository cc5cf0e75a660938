"""Days off: skipped, moved, and the last working day of the month."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from jobkit import Calendar, Cron, Every, SchedulePolicy
from jobkit.errors import ConfigurationError
from jobkit.timetable.definitions import read, written

GHANA = Calendar("GH")
BERLIN = Calendar("DE", "BE", closed=(date(2027, 12, 31),))


def days(cron: Cron, start: str, count: int) -> list[str]:
    since = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(cron.tz))
    found = []
    for _ in range(count):
        since = cron.next_after(since)
        found.append(f"{since.astimezone(ZoneInfo(cron.tz)):%m-%d %H:%M}")
    return found


def test_runs_on_days_off_are_skipped() -> None:
    cron = Cron("0 9 * * *", "Africa/Accra", calendar=GHANA)

    # 6 March 2026 is Independence Day, a Friday.
    assert days(cron, "2026-03-05", 3) == ["03-05 09:00", "03-09 09:00", "03-10 09:00"]


def test_the_last_working_day_of_the_month() -> None:
    cron = Cron("0 17 L * *", "Europe/Berlin", calendar=BERLIN, on_holiday="before")

    found = days(cron, "2027-01-01", 12)

    assert found[0] == "01-29 17:00"  # the 31st is a Sunday
    assert found[2] == "03-31 17:00"
    assert found[11] == "12-30 17:00"  # the 31st is a day of our own
    assert len({day[:2] for day in found}) == 12


def test_runs_on_days_off_are_moved_after_and_meet_there() -> None:
    cron = Cron("0 9 * * *", "Europe/Berlin", calendar=BERLIN, on_holiday="after")

    # Good Friday to Easter Monday, 26 to 29 March 2027; the clock is put forward on the 28th.
    assert days(cron, "2027-03-25", 3) == ["03-25 09:00", "03-30 09:00", "03-31 09:00"]


@pytest.mark.parametrize("how", ["skip", "before", "after"])
def test_asking_from_any_moment_gives_the_same_runs(how: str) -> None:
    cron = Cron("0 9,15 * * 1,5,6", "Europe/Berlin", BERLIN, how)  # type: ignore[arg-type]
    seen, since = [], datetime(2027, 3, 1, tzinfo=UTC)
    for _ in range(60):
        since = cron.next_after(since)
        seen.append(since)

    assert seen == sorted(set(seen))
    for before, run in itertools.pairwise(seen):
        assert cron.next_after(before + (run - before) / 2) == run
        assert BERLIN.is_open(run.astimezone(ZoneInfo("Europe/Berlin")).date())


def test_what_is_no_calendar_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no calendar"):
        Calendar("XX")
    with pytest.raises(ConfigurationError, match="weekend"):
        Calendar("GH", weekend=(0, 1, 2, 3, 4, 5, 6))
    with pytest.raises(ConfigurationError, match="on_holiday"):
        Cron("0 9 * * *", on_holiday="never")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "schedule", [Every(90, jitter=3), Cron("0 9 L * *", "Europe/Berlin", BERLIN)]
)
def test_schedules_are_read_as_they_were_written(schedule: Cron | Every) -> None:
    policy = SchedulePolicy(misfire="all", spread=60)

    assert read(written(schedule, policy)) == (schedule, policy)
