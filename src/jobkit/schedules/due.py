"""Which runs of a schedule are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from jobkit.schedules.policy import SchedulePolicy
from jobkit.schedules.schedule import Schedule

_BATCH = 100
_FIRST_LOOK = timedelta(seconds=2)


def runs_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the run times later than *after*, up to *until* and including it."""
    while (after := schedule.next_after(after)) <= until:
        yield after


def latest_run(schedule: Schedule, after: datetime, until: datetime) -> datetime | None:
    """Return the last run time in (after, until], without walking through all of them."""
    look = _FIRST_LOOK
    while True:
        start = max(after, until - look)
        if runs := list(runs_between(schedule, start, until)):
            return runs[-1]
        if start == after:
            return None
        look *= 4


def due_runs(
    schedule: Schedule, policy: SchedulePolicy, last: datetime, now: datetime
) -> list[datetime]:
    """Return the runs to be made now, the oldest first; a hundred at most, the rest next time."""
    oldest = policy.oldest(now)
    after = last if oldest is None else max(last, oldest)
    if policy.misfire == "all":
        found = runs_between(schedule, after, now)
        return [run for run, _ in zip(found, range(_BATCH), strict=False)]
    latest = latest_run(schedule, after, now)
    return [] if latest is None else [latest]
