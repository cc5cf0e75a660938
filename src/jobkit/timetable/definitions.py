"""Schedules as text, for those that are added at run time."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from jobkit.errors import ConfigurationError
from jobkit.schedules import Calendar, Cron, Every, Schedule, SchedulePolicy


def written(schedule: Schedule, policy: SchedulePolicy) -> str:
    """Return both as JSON. Raises `ConfigurationError` for a schedule of the host's own making."""
    told: dict[str, Any] = {"policy": asdict(policy)}
    if policy.window is not None:
        told["policy"]["window"] = policy.window.total_seconds()
    if type(schedule) is Every:
        told["every"] = {"interval": schedule.seconds, "jitter": schedule.jitter}
    elif type(schedule) is Cron:
        told["cron"] = asdict(schedule)
        if schedule.calendar is not None:
            days = [day.isoformat() for day in schedule.calendar.closed]
            told["cron"]["calendar"]["closed"] = days
    else:
        raise ConfigurationError(
            f"only Cron and Every can be stored, not {type(schedule).__name__}; declare it instead"
        )
    return json.dumps(told)


def read(text: str) -> tuple[Schedule, SchedulePolicy]:
    """Return what was written."""
    told = json.loads(text)
    policy = told["policy"]
    if policy["window"] is not None:
        policy["window"] = timedelta(seconds=policy["window"])
    if "every" in told:
        return Every(**told["every"]), SchedulePolicy(**policy)
    cron = told["cron"]
    if (days := cron["calendar"]) is not None:
        closed = tuple(date.fromisoformat(day) for day in days["closed"])
        weekend = tuple(days["weekend"])
        cron["calendar"] = Calendar(**{**days, "closed": closed, "weekend": weekend})
    return Cron(**cron), SchedulePolicy(**policy)
