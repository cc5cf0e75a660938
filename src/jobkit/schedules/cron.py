"""Schedules by a cron expression, in a time zone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from cronsim.explain import explain

from jobkit.errors import ConfigurationError
from jobkit.schedules.wall import is_fixed, next_fixed, next_wild


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

    def __post_init__(self) -> None:
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
        following = next_fixed if is_fixed(self.expression) else next_wild
        return following(self.expression, ZoneInfo(self.tz), moment.astimezone(UTC))

    def in_zone(self, tz: str) -> Cron:
        """Return the same schedule, read in another time zone."""
        return replace(self, tz=tz)

    def __str__(self) -> str:
        return f"{explain(self.expression)} ({self.tz})"
