"""When tasks run by themselves."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobkit.errors import ConfigurationError
from jobkit.schedules import Cron, Every, Schedule

BERLIN = "Europe/Berlin"  # at 02:00 in spring to 03:00, at 03:00 in autumn back to 02:00


def runs(schedule: Schedule, since: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    for _ in range(count):
        since = schedule.next_after(since)
        found.append(since)
    return found


def local(expression: str, start: str, count: int, tz: str = BERLIN) -> list[str]:
    """Return the next runs as `day hour:minute+offset` of the zone."""
    zone = ZoneInfo(tz)
    since = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = runs(Cron(expression, tz), since.astimezone(UTC), count)
    return [f"{run.astimezone(zone):%d %H:%M%z}"[:-2] for run in found]


def test_run_times_are_in_utc_and_later_than_the_moment() -> None:
    moment = datetime(2027, 1, 1, 7, tzinfo=UTC)

    run = Cron("0 7 * * *", tz="Africa/Accra").next_after(moment)

    assert run == moment + timedelta(days=1)
    assert run.tzinfo is UTC


def test_the_moment_may_be_in_any_zone() -> None:
    moment = datetime(2027, 1, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert Cron("0 7 * * *").next_after(moment) == datetime(2027, 1, 1, 7, tzinfo=UTC)


def test_an_expression_is_read_in_its_zone() -> None:
    assert local("0 7 * * 1", "2027-01-01", 2) == ["04 07:00+01", "11 07:00+01"]
    assert local("0 7 * * *", "2027-07-01", 1) == ["01 07:00+02"]
    assert local("0 7 * * *", "2027-07-01", 1, "Asia/Kathmandu")[0].startswith("01 07:00+05")


# --- Spring: the night of 2026-03-29 has no 02:00 to 02:59 -------------------------------------


def test_in_spring_a_run_in_the_skipped_hour_happens_right_after_it() -> None:
    assert local("30 2 * * *", "2026-03-28T12:00", 2) == ["29 03:00+02", "30 02:30+02"]


def test_in_spring_a_run_after_the_skipped_hour_happens_once() -> None:
    assert local("0 3 * * *", "2026-03-28T12:00", 2) == ["29 03:00+02", "30 03:00+02"]


def test_in_spring_hourly_runs_follow_the_real_time() -> None:
    assert local("0 * * * *", "2026-03-29T00:30", 3) == [
        "29 01:00+01",
        "29 03:00+02",
        "29 04:00+02",
    ]


# --- Autumn: the night of 2026-10-25 has 02:00 to 02:59 twice ----------------------------------


def test_in_autumn_a_run_in_the_repeated_hour_happens_once() -> None:
    assert local("30 2 * * *", "2026-10-24T12:00", 2) == ["25 02:30+02", "26 02:30+01"]


def test_in_autumn_hourly_runs_follow_the_real_time() -> None:
    assert local("0 * * * *", "2026-10-25T01:30", 3) == [
        "25 02:00+02",
        "25 02:00+01",
        "25 03:00+01",
    ]
    assert local("*/30 * * * *", "2026-10-25T01:50", 4) == [
        "25 02:00+02",
        "25 02:30+02",
        "25 02:00+01",
        "25 02:30+01",
    ]


def test_in_autumn_a_run_before_the_repeated_hour_does_not_come_back() -> None:
    assert local("0 1 * * *", "2026-10-24T12:00", 2) == ["25 01:00+02", "26 01:00+01"]


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 * * * *", "*/9 1-3 * * *", "15 2,3 * * *"])
@pytest.mark.parametrize("tz", [BERLIN, "America/New_York", "Australia/Lord_Howe"])
def test_asking_from_any_moment_gives_the_same_runs(expression: str, tz: str) -> None:
    """A beat that was away and asks late must see the runs that another saw."""
    cron = Cron(expression, tz)
    for start in (datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)):
        seen = runs(cron, start, 200)

        assert seen == sorted(set(seen))
        for before, run in itertools.pairwise(seen):
            halfway = before + (run - before) / 2
            assert cron.next_after(halfway) == run
            assert cron.next_after(run - timedelta(microseconds=1)) == run


def test_six_fields_begin_with_seconds() -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC)

    assert Cron("*/10 * * * * *").next_after(moment) == moment + timedelta(seconds=10)


@pytest.mark.parametrize(
    "expression", ["", "nonsense", "* * * *", "61 * * * *", "0 0 31 2 *", "@daily", "* * * * * * *"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ConfigurationError, match="is no cron expression"):
        Cron(expression)


@pytest.mark.parametrize("tz", ["Nowhere/Land", "", "Europe", "../../etc/passwd", "/etc/localtime"])
def test_what_is_no_zone_is_refused(tz: str) -> None:
    with pytest.raises(ConfigurationError, match="is no time zone"):
        Cron("* * * * *", tz=tz)


def test_a_rare_run_comes_in_its_year() -> None:
    leap = Cron("0 0 29 2 *")

    assert leap.next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)


def test_schedules_say_in_words_when_they_run() -> None:
    assert str(Cron("0 7 * * 1", tz="Africa/Accra")) == "At 07:00 on Monday (Africa/Accra)"
    assert str(Every(90)) == "every 0:01:30"
    assert str(Every(timedelta(days=1))) == "every 1 day, 0:00:00"


def test_schedules_are_values() -> None:
    assert Cron("0 7 * * 1") == Cron("0 7 * * 1", tz="UTC")
    assert {Every(60), Every(60)} == {Every(60)}


# --- Every ---------------------------------------------------------------------------------------


def test_an_interval_is_counted_from_1970_not_from_a_start() -> None:
    moment = datetime(2027, 1, 1, 7, 3, 20, tzinfo=UTC)

    assert Every(900).next_after(moment) == datetime(2027, 1, 1, 7, 15, tzinfo=UTC)
    assert Every(timedelta(hours=24)).next_after(moment) == datetime(2027, 1, 2, tzinfo=UTC)


def test_a_run_time_itself_is_followed_by_the_next() -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC)

    assert runs(Every(60), moment, 2) == [moment + timedelta(minutes=n) for n in (1, 2)]


@given(st.floats(1, 1e6), st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))
def test_each_run_is_later_than_the_last_by_the_interval(interval: float, moment: datetime) -> None:
    first, second = runs(Every(interval), moment.replace(tzinfo=UTC), 2)

    assert moment.replace(tzinfo=UTC) < first < second
    assert second - first == timedelta(seconds=interval)


@pytest.mark.parametrize(
    "interval", [0, -5, 0.5, float("nan"), float("inf"), 1e12, timedelta(milliseconds=1)]
)
def test_an_interval_that_cannot_be_kept_is_refused(interval: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Every\(\.\.\.\)"):
        Every(interval)
