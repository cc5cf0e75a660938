"""Due runs of schedules: each is a row, so that any number of beats may try."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from jobkit.store.conflicts import insert_new
from jobkit.store.enqueueing import NewJob, store
from jobkit.store.schema import schedule_runs, schedules


def due_run(conn: Connection, schedule: str, run_at: datetime, job: NewJob, now: datetime) -> bool:
    """Store the job of one run of *schedule*; False if somebody has stored it before.

    Where the same work is queued already, the run is that job's.
    """
    run = {"schedule": schedule, "run_at": run_at, "job_id": job.id, "created_at": now}
    if not insert_new(conn, schedule_runs, run, ["schedule", "run_at"]):
        return False
    (placed,) = store(conn, [job], now, lenient=True)
    if placed.duplicate:
        this = (schedule_runs.c.schedule == schedule, schedule_runs.c.run_at == run_at)
        conn.execute(update(schedule_runs).where(*this).values(job_id=placed.id))
    return True


def last_run(conn: Connection, schedule: str) -> datetime | None:
    """Return the run time up to which *schedule* has been looked after, or None at first."""
    found = select(schedules.c.last_run_at).where(schedules.c.name == schedule)
    return conn.execute(found).scalar()


def remember(conn: Connection, schedule: str, run_at: datetime, now: datetime) -> None:
    """Remember that *schedule* has been looked after up to *run_at*; never goes back."""
    latest = func.coalesce(schedules.c.last_run_at, run_at) <= run_at
    row = {"name": schedule, "last_run_at": run_at, "updated_at": now}
    if insert_new(conn, schedules, row, ["name"]):
        return
    conn.execute(
        update(schedules)
        .where(schedules.c.name == schedule, latest)
        .values(last_run_at=run_at, updated_at=now)
    )
