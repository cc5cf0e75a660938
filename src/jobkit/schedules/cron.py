"""Schedules by a cron expression, in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from cronsim.explain import explain

from jobkit.errors import ConfigurationError


@dataclass(frozen=True)
class Cron:
    """Run at the minutes a cron expression names, read in the time zone *tz*.

    Five fields as in crontab(5), or six with seconds first. Daylight saving time is handled as
    Debian's cron does: a run that falls into the skipped hour happens right after it, a run at a
    fixed time in the repeated hour happens once, and wildcard runs follow the real time.
    Raises `ConfigurationError` for an expression or a zone that does not exist.
    """

    expression: str
    tz: str = "UTC"

    def __post_init__(self) -> None:
        try:
            next(CronSim(self.expression, datetime.now(ZoneInfo(self.tz))))
        except CronSimError as error:
            raise ConfigurationError(
                f"{self.expression!r} is no cron expression: {error}"
            ) from error
        except StopIteration:
            raise ConfigurationError(f"{self.expression!r} never comes") from None
        # A folder of zones, such as Europe, is an OSError.
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigurationError(f"{self.tz!r} is no time zone") from error

    def next_after(self, moment: datetime) -> datetime:
        """Return the first run time later than *moment*, in UTC."""
        local = moment.astimezone(ZoneInfo(self.tz))
        return next(CronSim(self.expression, local)).astimezone(UTC)

    def __str__(self) -> str:
        return f"{explain(self.expression)} ({self.tz})"
