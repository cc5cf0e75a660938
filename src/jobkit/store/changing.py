"""What people do to jobs: cancel, retry, delete, hasten; one by one or by filter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, null, select, update

from jobkit.job import PENDING, JobState
from jobkit.store.orders import microseconds, new_claim_order
from jobkit.store.reading import JobFilter
from jobkit.store.retention import forget
from jobkit.store.sameness import key_in
from jobkit.store.schema import jobs

_RETRYABLE_BY_HAND = (JobState.CANCELLED, JobState.DEAD)


def cancel(conn: Connection, id: str, now: datetime) -> JobState | None:
    """Cancel a job: at once while it waits, by request while it runs.

    Returns the state it is in now, or None without such a job. One that has ended stays as it is.
    """
    row = conn.execute(select(jobs.c.state).where(jobs.c.id == id).with_for_update()).first()
    if row is None:
        return None
    state = JobState(row.state)
    if state is JobState.EXECUTING:
        _ask(conn, [id])
    elif not state.ended:
        _cancel(conn, [id], now)
        state = JobState.CANCELLED
    return state


def retry(conn: Connection, id: str, now: datetime, *, extra_attempts: int = 0) -> bool:
    """Make a dead or cancelled job available now, with a whole round of attempts before it.

    *extra_attempts* is how many attempts it shall have at least. False for any other job.
    """
    found = _locked(conn, [jobs.c.id == id], _RETRYABLE_BY_HAND, 1)
    return _retry(conn, found, now, extra_attempts) == 1


def delete(conn: Connection, id: str) -> bool:
    """Delete a dead job; False for any other."""
    found = _locked(conn, [jobs.c.id == id], (JobState.DEAD,), 1)
    forget(conn, found)
    return bool(found)


def cancel_all(conn: Connection, where: JobFilter, now: datetime, limit: int = 500) -> int:
    """Cancel jobs that *where* chooses, *limit* at most; return how many were not asked before.

    A full batch means that there is more: call again, in a transaction of its own.
    """
    waiting = _locked(conn, where.conditions(), sorted(PENDING), limit)
    if waiting:
        _cancel(conn, waiting, now)
    unasked = [*where.conditions(), jobs.c.cancel_requested.is_(False)]
    running = _locked(conn, unasked, (JobState.EXECUTING,), limit - len(waiting))
    if running:
        _ask(conn, running)
    return len(waiting) + len(running)


def retry_all(
    conn: Connection, where: JobFilter, now: datetime, *, extra_attempts: int = 0, limit: int = 500
) -> int:
    """Retry the dead and cancelled jobs that *where* chooses, *limit* at most."""
    found = _locked(conn, where.conditions(), _RETRYABLE_BY_HAND, limit)
    return _retry(conn, found, now, extra_attempts)


def delete_all(conn: Connection, where: JobFilter, limit: int = 500) -> int:
    """Delete the dead jobs that *where* chooses, *limit* at most."""
    found = _locked(conn, where.conditions(), (JobState.DEAD,), limit)
    forget(conn, found)
    return len(found)


def hasten_all(conn: Connection, where: JobFilter, limit: int = 500) -> int:
    """Make scheduled and retryable jobs that *where* chooses available before their time.

    They keep their place in line, by the time for which they were meant.
    """
    found = _locked(conn, where.conditions(), (JobState.SCHEDULED, JobState.RETRYABLE), limit)
    if found:
        statement = update(jobs).where(jobs.c.id.in_(found))
        conn.execute(statement.values(state=JobState.AVAILABLE.value))
    return len(found)


def _locked(
    conn: Connection,
    conditions: Sequence[ColumnElement[bool]],
    states: Collection[JobState],
    limit: int,
) -> list[str]:
    """Return the ids of such jobs, the oldest first, locked so that their state stays."""
    found = (
        select(jobs.c.id)
        .where(jobs.c.state.in_([state.value for state in states]), *conditions)
        .order_by(jobs.c.id)
        .limit(limit)
        .with_for_update()
    )
    return list(conn.execute(found).scalars())


def _cancel(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    values: dict[str, Any] = {"state": JobState.CANCELLED.value, "finished_at": now}
    values["unique_key"] = key_in(JobState.CANCELLED)
    conn.execute(update(jobs).where(jobs.c.id.in_(ids)).values(values))


def _ask(conn: Connection, ids: Sequence[str]) -> None:
    conn.execute(update(jobs).where(jobs.c.id.in_(ids)).values(cancel_requested=True))


def _retry(conn: Connection, ids: Sequence[str], now: datetime, attempts: int) -> int:
    if ids:
        raised = case((jobs.c.max_attempts < attempts, attempts), else_=jobs.c.max_attempts)
        values = {
            "state": JobState.AVAILABLE.value,
            "reason": null(),
            "attempt": 0,
            "max_attempts": raised,
            "crashes": 0,
            "claim_order": new_claim_order("at_us"),
            "scheduled_at": now,
            "started_at": null(),
            "finished_at": null(),
            "cancel_requested": False,
        }
        statement = update(jobs).where(jobs.c.id.in_(ids)).values(values)
        conn.execute(statement, {"at_us": microseconds(now)})
    return len(ids)
