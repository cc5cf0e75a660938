"""Schedules by a cron expression, in a time zone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from cronsim.explain import explain

from jobkit.errors import ConfigurationError
from jobkit.schedules.calendar import Calendar
from jobkit.schedules.wall import first_at, is_fixed, next_fixed, next_wild

_DAY = timedelta(days=1)
_PATIENCE = 10_000


@dataclass(frozen=True)
class Cron:
    """Run at the minutes a cron expression names, read in the time zone *tz*.

    Five fields as in crontab(5), or six with seconds first; `L` is the last day of the month.
    Daylight saving time is handled as Debian's cron does: a run that falls into the skipped hour
    happens right after it, a run at a fixed time in the repeated hour happens once, and runs
    whose minute or hour begins with a star follow the clock. Raises `ConfigurationError` for an
    expression or a zone that does not exist.
    """

    expression: str
    tz: str = "UTC"
    calendar: Calendar | None = None
    """Whose working days count."""

    on_holiday: Literal["skip", "before", "after"] = "skip"
    """Whether a run on a day off is skipped, or moved to the working day before it or after it.

    The last working day of the month is `Cron("0 17 L * *", calendar=..., on_holiday="before")`.
    """

    def __post_init__(self) -> None:
        if self.on_holiday not in ("skip", "before", "after"):
            raise ConfigurationError("on_holiday takes skip, before or after")
        try:
            ZoneInfo(self.tz)
        # OSError: a name that is a folder of the zone database, such as "Europe".
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigurationError(f"{self.tz!r} is no time zone") from error
        try:
            next(CronSim(self.expression, datetime.now(UTC)))
        except CronSimError as error:
            raise ConfigurationError(
                f"{self.expression!r} is no cron expression: {error}"
            ) from error
        except StopIteration:
            raise ConfigurationError(f"{self.expression!r} never comes") from None

    def next_after(self, moment: datetime) -> datetime:
        """Return the first run time later than *moment*, in UTC."""
        moment = moment.astimezone(UTC)
        if self.calendar is None:
            return self._plain(moment)
        if self.on_holiday == "skip":
            return self._on_open_day(moment, self.calendar)
        return self._moved(moment, self.calendar, 1 if self.on_holiday == "after" else -1)

    def _plain(self, moment: datetime) -> datetime:
        following = next_fixed if is_fixed(self.expression) else next_wild
        return following(self.expression, ZoneInfo(self.tz), moment)

    def _on_open_day(self, moment: datetime, calendar: Calendar) -> datetime:
        for _ in range(_PATIENCE):
            moment = self._plain(moment)
            if calendar.is_open(moment.astimezone(ZoneInfo(self.tz)).date()):
                return moment
        raise ConfigurationError(f"{self} never comes on a working day")

    def _moved(self, moment: datetime, calendar: Calendar, by: int) -> datetime:
        """Return the first run after *moment* when those on days off are moved."""
        zone = ZoneInfo(self.tz)
        today = moment.astimezone(zone).date()
        # What is moved here from earlier days off comes from after the working day before them.
        since = calendar.moved(today - _DAY, -1) if by == 1 else today
        start = datetime.combine(since, time(), zone).astimezone(UTC) - _DAY
        best: datetime | None = None
        while True:
            start = self._plain(start)
            local = start.astimezone(zone)
            day = calendar.moved(local.date(), by)
            if best is not None and day > best.astimezone(zone).date():
                return best
            run = start
            if day != local.date():
                wall = datetime.combine(day, local.time())
                run = first_at(wall, zone)
            if run > moment and (best is None or run < best):
                best = run

    def in_zone(self, tz: str) -> Cron:
        """Return the same schedule, read in another time zone."""
        return replace(self, tz=tz)

    def __str__(self) -> str:
        told = f"{explain(self.expression)} ({self.tz})"
        if self.calendar is None:
            return told
        how = "not" if self.on_holiday == "skip" else f"the working day {self.on_holiday}"
        return f"{told}, {how} on days off in {self.calendar.country}"
