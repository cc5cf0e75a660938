"""What becomes of runs that were missed, that overlap, that belong to each tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from jobkit.errors import ConfigurationError

Misfire = Literal["skip", "once", "all"]
"""Of runs whose time passed while no beat ran: none, the latest, or all is made up for."""

Overlap = Literal["allow", "skip", "queue_one", "cancel_running"]
"""What a due run does while jobs of the same schedule have not ended."""

Period = Literal["hour", "day", "week", "month", "quarter", "year"]

_LATE = timedelta(seconds=60)
_ALL = timedelta(days=1)


@dataclass(frozen=True)
class SchedulePolicy:
    """Say how a schedule behaves when things do not go by the clock.

    Raises `ConfigurationError` for a choice that does not exist, or that contradicts another.
    """

    misfire: Misfire = "once"
    window: timedelta | None = None
    """Runs that are later than this are not made up for: a minute for `skip`, a day for `all`."""

    overlap: Overlap = "allow"
    """`queue_one` holds runs back while one has not ended, and then makes up for the latest."""

    period: Period | None = None
    """Of a period, in the schedule's time zone, there is one run, by whatever way it came."""

    per_tenant: bool = False
    """Run for each tenant of the `Tenants` adapter, in its own time zone, with its `tenant_id`."""

    spread: float = 0.0
    """Seconds over which the tenants' jobs are spread, each at its own place."""

    alert_after: float | None = None
    """Seconds after its due time by which a run must have completed, or else hosts are told."""

    def __post_init__(self) -> None:
        for name, choices in (("misfire", Misfire), ("overlap", Overlap), ("period", Period)):
            chosen = getattr(self, name)
            if chosen not in get_args(choices) and not (name == "period" and chosen is None):
                known = ", ".join(get_args(choices))
                raise ConfigurationError(f"{name}={chosen!r}: choose from {known}")
        if self.overlap == "queue_one" and self.misfire != "once":
            raise ConfigurationError('overlap="queue_one" makes up for one run: misfire="once"')
        if self.window is not None and self.window <= timedelta(0):
            raise ConfigurationError("window takes a timedelta of more than nothing")
        if not self.spread >= 0 or (self.alert_after is not None and not self.alert_after > 0):
            raise ConfigurationError("spread and alert_after take seconds of more than 0")

    def oldest(self, now: datetime) -> datetime | None:
        """Return the moment before which no run is made up for, or None."""
        default = {"skip": _LATE, "once": None, "all": _ALL}[self.misfire]
        window = self.window or default
        return None if window is None else now - window

    def period_of(self, run_at: datetime, tz: str) -> str | None:
        """Return the name of the period that a run is of, such as `2027-01` or `2027-Q1`."""
        if self.period is None:
            return None
        local = run_at.astimezone(ZoneInfo(tz))
        if self.period == "week":
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02}"
        if self.period == "quarter":
            return f"{local.year}-Q{(local.month + 2) // 3}"
        length = {"year": 4, "month": 7, "day": 10, "hour": 13}[self.period]
        # The hour with its offset: an hour that the clock repeats is two.
        text = local.isoformat()
        return text[:length] + (text[-6:] if self.period == "hour" else "")
