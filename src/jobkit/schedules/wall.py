"""From times on a wall clock to moments, where clocks are put forward and back.

cronsim finds the times that an expression names on a clock that nobody touches. What becomes of
them where a zone's clock jumps is decided here, as Debian's cron does: in cronsim itself, asking
from within the repeated hour goes back in time, and times in the skipped one are off by it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def is_fixed(expression: str) -> bool:
    """Tell whether it names times of day: no field under the day begins with a star."""
    fields = expression.split()
    return not any(field.startswith("*") for field in fields[:-3])


def next_fixed(expression: str, zone: ZoneInfo, moment: datetime) -> datetime:
    """Return the first moment after *moment* at which a named time of day comes.

    Each time comes once: if it is repeated at the first, if it is skipped right after the gap.
    """
    walls = CronSim(expression, _wall(moment, zone))
    while True:
        # Those of a repeated hour whose first turn is over lead back, and are passed by.
        if (run := first_at(next(walls), zone)) > moment:
            return run


def next_wild(expression: str, zone: ZoneInfo, moment: datetime) -> datetime:
    """Return the first moment after *moment* at which the clock shows a named time."""
    while True:
        offset = _offset(moment, zone)
        wall = next(CronSim(expression, _wall(moment, zone)))
        run = wall.replace(tzinfo=UTC) - offset
        change = _change(moment, run, zone)
        if change is None:
            return run
        # Go on with the clock as it is put then; what it shows at once counts.
        shown = (change + _offset(change, zone)).replace(tzinfo=None)
        if next(CronSim(expression, shown - _SECOND)) == shown:
            return change
        moment = change


def _change(after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first moment in (after, until] with another offset than *after* has."""
    before = _offset(after, zone)
    early = after.replace(microsecond=0)
    while early < until:
        late = min(early + _DAY, until)
        if _offset(late, zone) != before:
            while late - early > _SECOND:
                middle = early + (late - early) // (2 * _SECOND) * _SECOND
                if _offset(middle, zone) == before:
                    early = middle
                else:
                    late = middle
            return late
        early = late
    return None


def first_at(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock first shows *wall*, or the end of the gap that swallows it."""
    run = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(run, zone) == wall:
        return run
    # In a gap the zone reads *wall* with the offset from before it, which leads past its end.
    end = _change(run - _DAY, run, zone)
    assert end is not None
    return end


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
