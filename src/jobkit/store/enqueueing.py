"""Writing new jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import insert as sql_insert

from jobkit.job import JobState
from jobkit.store.conflicts import insert_new
from jobkit.store.failing import NewFailure, add_failure
from jobkit.store.orders import claim_order
from jobkit.store.schema import jobs


@dataclass(frozen=True)
class NewJob:
    """Describe a job to be stored."""

    id: str
    task: str
    queue: str
    tenant_id: str | None
    priority: int
    payload: str
    max_attempts: int
    scheduled_at: datetime
    foreign_id: str | None = None
    unique_key: str | None = None
    schedule: str | None = None
    scheduled_for: datetime | None = None


_INSERT = sql_insert(jobs)


def insert(conn: Connection, new: Sequence[NewJob], now: datetime) -> None:
    """Store jobs: available when due, scheduled otherwise."""
    if new:
        conn.execute(_INSERT, [_row(job, now) for job in new])


def insert_foreign(conn: Connection, job: NewJob, now: datetime) -> bool:
    """Store a job that came as a foreign message; False if its message was stored before."""
    return insert_new(conn, jobs, _row(job, now), ["foreign_id"])


def insert_dead(
    conn: Connection, job: NewJob, reason: str, failure: NewFailure, now: datetime
) -> bool:
    """Store what cannot run as a dead letter; False if its foreign message was stored before."""
    row = _row(job, now) | {"state": JobState.DEAD.value, "reason": reason, "finished_at": now}
    row["unique_key"] = None
    if job.foreign_id is None:
        conn.execute(_INSERT, row)
    elif not insert_new(conn, jobs, row, ["foreign_id"]):
        return False
    add_failure(conn, job.id, failure, now)
    return True


def _row(job: NewJob, now: datetime) -> dict[str, Any]:
    due = job.scheduled_at <= now
    return {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "tenant_id": job.tenant_id,
        "priority": int(job.priority),
        "state": (JobState.AVAILABLE if due else JobState.SCHEDULED).value,
        "reason": None,
        "payload": job.payload,
        "attempt": 0,
        "max_attempts": job.max_attempts,
        "crashes": 0,
        "claim_order": claim_order(job.priority, job.scheduled_at),
        "created_at": now,
        "scheduled_at": job.scheduled_at,
        "finished_at": None,
        "cancel_requested": False,
        "foreign_id": job.foreign_id,
        "unique_key": job.unique_key,
        "schedule": job.schedule,
        "scheduled_for": job.scheduled_for,
    }
