"""Forgetting jobs that ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, literal_column, select

from jobkit.job import JobState
from jobkit.store.schema import jobs, schedule_runs


def prune(
    conn: Connection,
    *,
    completed_before: datetime,
    cancelled_before: datetime,
    dead_before: datetime,
    now: datetime,
    limit: int = 500,
) -> int:
    """Delete jobs that ended before these moments, *limit* at most; return how many.

    A full batch means that there is more. A moment in the future counts as *now*.
    """
    ids: list[str] = []
    for state, before in (
        (JobState.COMPLETED, completed_before),
        (JobState.CANCELLED, cancelled_before),
        (JobState.DEAD, dead_before),
    ):
        # The index of ended jobs gives each state's oldest first. A job that a person is retrying
        # at this moment is locked, and passed by.
        oldest = (
            select(jobs.c.id)
            .where(
                jobs.c.state == literal_column(f"'{state}'"),
                jobs.c.finished_at < min(before, now),
            )
            .order_by(jobs.c.finished_at)
            .limit(limit - len(ids))
            .with_for_update(skip_locked=True)
        )
        ids += conn.execute(oldest).scalars()
    forget(conn, ids)
    # Runs that were passed by have no job to go with; the index of jobs has them together.
    passed_by = schedule_runs.c.job_id == "", schedule_runs.c.created_at < completed_before
    conn.execute(delete(schedule_runs).where(*passed_by))
    return len(ids)


def forget(conn: Connection, ids: Sequence[str]) -> None:
    """Delete these jobs and all that is kept about them.

    Failures, progress, effects, steps and cursors go along.
    """
    if ids:
        conn.execute(delete(schedule_runs).where(schedule_runs.c.job_id.in_(ids)))
        conn.execute(delete(jobs).where(jobs.c.id.in_(ids)))
