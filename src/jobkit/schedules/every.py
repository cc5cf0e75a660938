"""Schedules by an interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobkit.errors import ConfigurationError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENTURY = 100 * 366 * 86_400


@dataclass(frozen=True)
class Every:
    """Run each time an interval has passed, at multiples of it counted from 1970-01-01 UTC.

    Run times do not drift and do not depend on when a process started. *interval* is in seconds,
    or a timedelta. *jitter* puts each job off by up to so many seconds, always the same for a run,
    so that many schedules of one interval do not come at once; `scheduled_for` stays the run's.
    Raises `ConfigurationError` for less than a second, or over a hundred years.
    """

    interval: float | timedelta
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= _CENTURY:
            raise ConfigurationError("Every(...) takes from a second to a hundred years")
        if not 0 <= self.jitter <= self.seconds:
            raise ConfigurationError("the jitter of Every(...) lies between 0 and the interval")

    @property
    def seconds(self) -> float:
        """Return the interval in seconds."""
        if isinstance(self.interval, timedelta):
            return self.interval.total_seconds()
        return float(self.interval)

    def next_after(self, moment: datetime) -> datetime:
        """Return the first run time later than *moment*, in UTC."""
        # Whole microseconds: a product of floats may fall on *moment* itself.
        interval = timedelta(seconds=self.seconds)
        return _EPOCH + ((moment - _EPOCH) // interval + 1) * interval

    def __str__(self) -> str:
        return f"every {timedelta(seconds=self.seconds)}"
