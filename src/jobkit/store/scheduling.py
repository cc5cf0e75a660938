"""Due runs of schedules: each is a row, so that any number of beats may try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from jobkit.store.conflicts import insert_new
from jobkit.store.enqueueing import NewJob, store
from jobkit.store.schema import jobs, schedule_runs, schedules

NO_JOB = ""


@dataclass(frozen=True)
class ScheduleRow:
    """Hold what the store keeps about a schedule."""

    name: str
    last_run_at: datetime | None
    paused_at: datetime | None
    task: str | None
    payload: str | None
    definition: str | None
    alerted_for: datetime | None


def due_run(
    conn: Connection,
    schedule: str,
    run_at: datetime,
    job: NewJob,
    now: datetime,
    period: str | None = None,
) -> bool:
    """Store the job of one run of *schedule*; False if somebody has stored it before.

    Where the same work is queued already, the run is that job's.
    """
    if not _add_run(conn, schedule, run_at, now, job_id=job.id, period=period):
        return False
    (placed,) = store(conn, [job], now, lenient=True)
    if placed.duplicate:
        this = (schedule_runs.c.schedule == schedule, schedule_runs.c.run_at == run_at)
        conn.execute(update(schedule_runs).where(*this).values(job_id=placed.id))
    return True


def pass_by(conn: Connection, schedule: str, run_at: datetime, note: str, now: datetime) -> bool:
    """Record that a run happens without a job, and why; False if it has been stored before."""
    return _add_run(conn, schedule, run_at, now, note=note)


def run_of(conn: Connection, schedule: str, run_at: datetime) -> tuple[str, str | None] | None:
    """Return the job's id and the note of one run, or None if it has not been stored."""
    found = select(schedule_runs.c.job_id, schedule_runs.c.note).where(
        schedule_runs.c.schedule == schedule, schedule_runs.c.run_at == run_at
    )
    row = conn.execute(found).first()
    return None if row is None else (row.job_id, row.note)


def job_of_period(conn: Connection, schedule: str, period: str) -> str | None:
    """Return the id of the job that a period has, or None; the unique index finds it."""
    found = select(schedule_runs.c.job_id).where(
        schedule_runs.c.schedule == schedule, schedule_runs.c.period == period
    )
    return conn.execute(found).scalar()


def unfinished(conn: Connection, schedule: str, look_back: int = 50) -> list[str]:
    """Return the jobs of the latest runs of *schedule* that have not ended.

    Reads the latest *look_back* entries of the primary key, not the whole history.
    """
    latest = (
        select(schedule_runs.c.job_id)
        .where(schedule_runs.c.schedule == schedule)
        .order_by(schedule_runs.c.run_at.desc())
        .limit(look_back)
        .subquery()
    )
    found = select(jobs.c.id).join(latest, latest.c.job_id == jobs.c.id)
    return list(conn.execute(found.where(jobs.c.finished_at.is_(None))).scalars())


def state_of_job(conn: Connection, id: str) -> str | None:
    """Return the state of a job, or None without it."""
    return conn.execute(select(jobs.c.state).where(jobs.c.id == id)).scalar()


def rows(conn: Connection, *, marked: bool = True) -> dict[str, ScheduleRow]:
    """Return what is kept about schedules, by name; *marked*: of the paused and the stored only."""
    columns = [schedules.c[name] for name in ScheduleRow.__dataclass_fields__]
    found = select(*columns)
    if marked:
        found = found.where(or_(schedules.c.paused_at.is_not(None), schedules.c.task.is_not(None)))
    return {row.name: ScheduleRow(*row) for row in conn.execute(found)}


def change(conn: Connection, name: str, now: datetime, **values: Any) -> None:
    """Change what is kept about a schedule, which may be new."""
    row = {"name": name, "updated_at": now, **values}
    if not insert_new(conn, schedules, row, ["name"]):
        conn.execute(update(schedules).where(schedules.c.name == name).values(row))


def remove(conn: Connection, name: str) -> bool:
    """Forget a schedule that was added at run time; its runs stay. False for any other."""
    gone = delete(schedules).where(schedules.c.name == name, schedules.c.task.is_not(None))
    return conn.execute(gone).rowcount == 1


def alert_once(conn: Connection, name: str, run_at: datetime) -> bool:
    """Tell whether this caller is the one to tell that a run is missing."""
    mine = update(schedules).where(schedules.c.name == name, schedules.c.alerted_for < run_at)
    return conn.execute(mine.values(alerted_for=run_at)).rowcount == 1


def _add_run(
    conn: Connection, schedule: str, run_at: datetime, now: datetime, **values: Any
) -> bool:
    run = {"schedule": schedule, "run_at": run_at, "created_at": now, "job_id": NO_JOB, **values}
    return insert_new(conn, schedule_runs, run, ["schedule", "run_at"])


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
