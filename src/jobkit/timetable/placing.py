"""Turning one run into one job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from jobkit.store import changing, scheduling
from jobkit.timetable.lines import Line

if TYPE_CHECKING:
    from jobkit.timetable.timetable import Application


@dataclass(frozen=True)
class Placed:
    """Tell what became of a run."""

    job_id: str | None = None
    """The job of this run, or of its period."""

    fresh: bool = False
    """Whether the job is new."""

    held: bool = False
    """Whether the run waits until another has ended."""


def place(
    application: Application, line: Line, run_at: datetime, *, by_hand: bool = False
) -> Placed:
    """Store the job of one run, unless it is there, or the policy is against it.

    *by_hand*, a run neither minds whether others overlap nor counts as looked after.
    """
    now = application.clock.now()
    submission = application.submission
    task = submission.tasks.find(line.entry.task_name)
    payload = submission.payload(task, line.payload)
    starts_at = run_at if by_hand else line.starts_at(run_at)
    row = submission.row(task, payload, {"scheduled_at": max(now, starts_at)})
    row = replace(row, schedule=line.name, scheduled_for=run_at)
    period = line.period_of(run_at)
    overlap = "allow" if by_hand else line.policy.overlap

    def write(conn: Connection) -> Placed:
        placed = _write(conn)
        if not by_hand and not placed.held:
            scheduling.remember(conn, line.name, run_at, now)
        return placed

    def _write(conn: Connection) -> Placed:
        if (there := scheduling.run_of(conn, line.name, run_at)) is not None:
            return Placed(there[0] or None)
        if period is not None:
            job = scheduling.job_of_period(conn, line.name, period)
            if job is not None:
                scheduling.pass_by(conn, line.name, run_at, "period", now)
                return Placed(job)
        if overlap in ("skip", "queue_one") and scheduling.unfinished(conn, line.name):
            if overlap == "queue_one":
                return Placed(held=True)
            scheduling.pass_by(conn, line.name, run_at, "overlap", now)
            return Placed()
        if not scheduling.due_run(conn, line.name, run_at, row, now, period):
            return Placed()
        if overlap == "cancel_running":
            # After the row: whoever comes second must not cancel the job of this very run.
            for other in scheduling.unfinished(conn, line.name):
                if other != row.id:
                    changing.cancel(conn, other, now)
        return Placed(row.id, fresh=True)

    try:
        placed = application.database.write(write)
    except IntegrityError:
        # Another way led to the same period at this moment; now its job is there to be seen.
        placed = application.database.write(write)
    if placed.fresh and row.scheduled_at <= now:
        application.ring(row.queue, 1)
    return placed
