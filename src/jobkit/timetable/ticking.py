"""What a beat does: it looks at every line, and makes jobs of the runs that are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jobkit.errors import JobkitError, StoreUnavailable
from jobkit.logs import get_logger
from jobkit.schedules import Schedule
from jobkit.schedules.due import due_runs
from jobkit.store import scheduling
from jobkit.timetable.lines import Line
from jobkit.timetable.placing import place

if TYPE_CHECKING:
    from jobkit.timetable.timetable import Timetable

LONGEST_REST = timedelta(seconds=1)
logger = get_logger("jobkit.beat")


@dataclass
class Track:
    """Remember up to where a line has been looked after, and when it comes next."""

    schedule: Schedule
    last: datetime
    following: datetime


class Ticker:
    """Serve the lines of one timetable; each beat has its own."""

    def __init__(self, timetable: Timetable) -> None:
        self._timetable = timetable
        self._tracks: dict[str, Track] = {}

    def tick(self) -> float:
        """Enqueue what is due; returns the seconds until the next look."""
        clock = self._timetable.application.clock
        now = clock.now()
        until = now + LONGEST_REST
        marked = self._timetable.marked()
        for entry in self._timetable.entries(marked):
            if (row := marked.get(entry.name)) is not None and row.paused_at is not None:
                for line in self._timetable.lines.of(entry):
                    self._tracks.pop(line.name, None)
                continue
            for line in self._timetable.lines.of(entry):
                try:
                    until = min(until, self._serve(line, now))
                except StoreUnavailable:
                    raise
                except JobkitError as error:
                    # One that cannot be enqueued must not keep the others from it.
                    logger.error("a schedule cannot run", schedule=line.name, error=error.message)
                except Exception:
                    logger.exception("a schedule cannot run", schedule=line.name)
        return max(0.0, (until - clock.now()).total_seconds())

    def _serve(self, line: Line, now: datetime) -> datetime:
        track = self._tracks.get(line.name)
        if track is None or track.schedule != line.schedule:
            track = self._tracks[line.name] = self._recall(line, now)
        if track.following > now:
            return track.following
        runs = due_runs(line.schedule, line.policy, track.last, now)
        for run_at in runs:
            placed = place(self._timetable.application, line, run_at)
            if placed.held:
                return now + LONGEST_REST
            if placed.fresh:
                logger.info("a schedule was due", schedule=line.name, run_at=run_at.isoformat())
            track.last = run_at
        if not runs:
            logger.warning("missed runs are not made up for", schedule=line.name)
            self._timetable.application.database.write(
                lambda conn: scheduling.remember(conn, line.name, now, now)
            )
            track.last = now
        track.following = line.schedule.next_after(track.last)
        return track.following

    def _recall(self, line: Line, now: datetime) -> Track:
        database = self._timetable.application.database
        with database.read() as conn:
            last = scheduling.last_run(conn, line.name)
            # Resuming is noted with the schedule, not with each of its tenants.
            resumed = scheduling.last_run(conn, line.entry.name)
        if last is None:
            # New: nothing before this moment was ever due.
            database.write(lambda conn: scheduling.remember(conn, line.name, now, now))
        last = max(last or now, resumed or last or now)
        return Track(line.schedule, last, line.schedule.next_after(last))
