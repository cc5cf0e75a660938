"""The golden corpus: zones, their transitions, and runs found by looking at every minute.

Nothing here shares a line with `jobkit.schedules`: a zone's clock is read minute by minute with
zoneinfo, and what it shows is compared with sets of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
AROUND = timedelta(hours=52)
ANY = frozenset(range(60))

ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Atlantic/Azores",
    "Europe/Chisinau", "America/New_York", "America/Chicago", "America/St_Johns",
    "America/Havana", "America/Santiago", "America/Asuncion", "America/Nuuk",
    "America/Scoresbysund", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Jerusalem",
    "Asia/Gaza", "Asia/Almaty", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland",
    "Pacific/Chatham", "Pacific/Norfolk", "Pacific/Easter", "Antarctica/Troll",
)  # fmt: skip


@dataclass(frozen=True)
class Transition:
    """Say when the clock of a zone is put forward (a gap) or back (a fold)."""

    zone: str
    at: datetime
    """In UTC."""

    before: timedelta
    after: timedelta

    @property
    def kind(self) -> str:
        return "gap" if self.after > self.before else "fold"

    @property
    def begin(self) -> datetime:
        """The first wall time that is skipped or repeated."""
        return (self.at + min(self.before, self.after)).replace(tzinfo=None)

    @property
    def middle(self) -> datetime:
        """A wall time in the middle of what is skipped or repeated."""
        half = abs(self.after - self.before) / 2
        return (self.begin + half).replace(second=0)

    def __str__(self) -> str:
        return f"{self.zone} {self.at:%Y-%m-%d} {self.kind}"


@dataclass(frozen=True)
class Case:
    """Join an expression and what it means in numbers."""

    what: str
    expression: str
    minutes: frozenset[int]
    hours: frozenset[int]
    day: Callable[[datetime], bool] = lambda wall: True
    fixed: bool = False
    celery: dict[str, str] | None = None

    def matches(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and self.day(wall)


def cases(change: Transition) -> list[Case]:
    """Return the schedules to be tried around one transition."""
    wall = change.middle
    minute, hour = frozenset({wall.minute}), frozenset({wall.hour})
    weekday = wall.isoweekday() % 7
    at = f"{wall.minute} {wall.hour}"
    celery = {"minute": str(wall.minute), "hour": str(wall.hour)}
    return [
        Case("hourly", "0 * * * *", frozenset({0}), ANY, celery={"minute": "0"}),
        Case("hourly at 15", "15 * * * *", frozenset({15}), ANY, celery={"minute": "15"}),
        Case("half-hourly", "*/30 * * * *", frozenset({0, 30}), ANY, celery={"minute": "*/30"}),
        Case(
            "every two hours", "0 */2 * * *", frozenset({0}), frozenset(range(0, 24, 2)),
            celery={"minute": "0", "hour": "*/2"},
        ),
        Case(f"daily in the {change.kind}", f"{at} * * *", minute, hour, fixed=True, celery=celery),
        Case(
            "daily at midnight", "0 0 * * *", frozenset({0}), frozenset({0}), fixed=True,
            celery={"minute": "0", "hour": "0"},
        ),
        Case(
            "several times a day", "0,20,40 0-4 * * *", frozenset({0, 20, 40}),
            frozenset(range(5)), fixed=True, celery={"minute": "0,20,40", "hour": "0-4"},
        ),
        Case(
            f"weekly in the {change.kind}", f"{at} * * {weekday}", minute, hour,
            lambda day: day.isoweekday() % 7 == weekday, True,
            celery | {"day_of_week": str(weekday)},
        ),
        Case(
            "last day of the month", f"{at} L * *", minute, hour,
            lambda day: (day + timedelta(days=1)).day == 1, True,
        ),
        Case(
            "each minute of one hour", f"* {wall.hour} * * *", ANY, hour,
            celery={"hour": str(wall.hour)},
        ),
    ]  # fmt: skip


@lru_cache
def transitions() -> tuple[Transition, ...]:
    """Return every change of these zones' clocks from 2024 to 2030."""
    return tuple(change for zone in ZONES for change in _transitions(zone))


def _transitions(name: str) -> Iterator[Transition]:
    zone = ZoneInfo(name)
    at = datetime(2024, 1, 1, tzinfo=UTC)
    offset = at.astimezone(zone).utcoffset()
    while at.year <= 2030:
        at += timedelta(hours=6)
        if at.astimezone(zone).utcoffset() == offset:
            continue
        exact = at - timedelta(hours=6)
        while exact.astimezone(zone).utcoffset() == offset:
            exact += MINUTE
        after = exact.astimezone(zone).utcoffset()
        assert offset is not None
        assert after is not None
        yield Transition(name, exact, offset, after)
        offset = after


def walk(change: Transition) -> list[tuple[datetime, datetime]]:
    """Return each minute around a transition with what the wall clock shows then."""
    zone = ZoneInfo(change.zone)
    start = change.at - AROUND
    minutes = [start + n * MINUTE for n in range(int(2 * AROUND / MINUTE) + 1)]
    return [(at, at.astimezone(zone).replace(tzinfo=None, fold=0)) for at in minutes]


def expected(case: Case, walked: list[tuple[datetime, datetime]]) -> list[datetime]:
    """Return the runs of *case*, the first minute left out."""
    runs = []
    latest = walked[0][1]
    for at, wall in walked[1:]:
        if not case.fixed:
            due = case.matches(wall)
        else:
            # All that the clock has come to or has jumped over since it last was the furthest.
            due = False
            while latest < wall:
                latest += MINUTE
                due = due or case.matches(latest)
        if due:
            runs.append(at)
    return runs
