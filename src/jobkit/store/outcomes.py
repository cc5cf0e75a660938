"""Recording how runs ended.

Every statement names the claim's token: a run that has lost its job writes nothing, and is told so
by False.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Update,
    and_,
    bindparam,
    case,
    literal_column,
    null,
    or_,
    select,
    update,
)

from jobkit.job import JobState
from jobkit.store.failing import NewFailure, add_failure
from jobkit.store.orders import microseconds, new_claim_order
from jobkit.store.sameness import key_in
from jobkit.store.schema import jobs, workers

__all__ = [
    "NewFailure", "bury", "cancel_run", "complete", "lost", "release", "rescue", "retry",
]  # fmt: skip


def complete(conn: Connection, id: str, token: str, result: str | None, now: datetime) -> bool:
    """Record that the job is done."""
    return _write(conn, _COMPLETE, id, token, {"new_result": result, "new_now": now})


def retry(
    conn: Connection,
    id: str,
    token: str,
    *,
    at: datetime,
    counted: bool,
    failure: NewFailure | None,
    now: datetime,
) -> bool:
    """Put the job off until *at*; an attempt that is not *counted* is given back.

    A job that somebody asked to cancel becomes cancelled instead.
    """
    given = {"new_at": at, "new_at_us": microseconds(at), "given_back": int(not counted)}
    held = _write(conn, _RETRY, id, token, given | {"new_now": now})
    if held and failure is not None:
        add_failure(conn, id, failure, now)
    return held


def bury(
    conn: Connection, id: str, token: str, *, reason: str, failure: NewFailure, now: datetime
) -> bool:
    """Make the job a dead letter."""
    held = _write(conn, _BURY, id, token, {"new_reason": reason, "new_now": now})
    if held:
        add_failure(conn, id, failure, now)
    return held


def cancel_run(conn: Connection, id: str, token: str, now: datetime) -> bool:
    """Record that the job stopped because somebody cancelled it."""
    return _write(conn, _CANCEL, id, token, {"new_now": now})


def release(
    conn: Connection, id: str, token: str, now: datetime, failure: NewFailure | None = None
) -> bool:
    """Give back the job of a worker that shuts down: at its old place in the line, uncounted."""
    held = _write(conn, _RELEASE, id, token, {"new_now": now})
    if held and failure is not None:
        add_failure(conn, id, failure, now)
    return held


def lost(
    conn: Connection,
    id: str,
    token: str,
    *,
    max_crashes: int,
    failure: NewFailure,
    now: datetime,
) -> JobState | None:
    """Record that the process that ran the job is gone, and return what becomes of the job.

    It counts as a crash. The job is available again, or dead with the reason `poison` once
    *max_crashes* are reached. None when this run no longer held the job.
    """
    row = conn.execute(_LOCK, {"job": id, "token": token}).first()
    if row is None:
        return None
    crashes = row.crashes + 1
    state, reason = JobState.AVAILABLE, None
    if row.cancel_requested:
        state = JobState.CANCELLED
    elif crashes >= max_crashes:
        state, reason = JobState.DEAD, "poison"
    given = {"new_state": state.value, "new_reason": reason, "new_crashes": crashes}
    ended = {"new_finished_at": now if state.ended else None}
    _write(conn, _LOSE_ENDED.get(state, _LOSE), id, token, given | ended)
    add_failure(conn, id, failure, now)
    return state


def rescue(
    conn: Connection, *, max_crashes: int, now: datetime, limit: int = 100
) -> list[tuple[str, JobState]]:
    """Treat the jobs of workers that have expired or are gone as lost.

    Returns the id and the new state of each, *limit* at most.
    """
    rescued = []
    for row in conn.execute(_ABANDONED, {"now": now, "limit": limit}).all():
        failure = NewFailure(
            attempt=row.attempt,
            kind="crash",
            type="WorkerLost",
            message=f"the worker {row.name or row.worker} stopped sending heartbeats",
            traceback=None,
        )
        state = lost(
            conn, row.id, row.claim_token, max_crashes=max_crashes, failure=failure, now=now
        )
        if state is not None:
            rescued.append((row.id, state))
    return rescued


def _write(
    conn: Connection, statement: Update, id: str, token: str, values: Mapping[str, Any]
) -> bool:
    return conn.execute(statement, {"job": id, "token": token, **values}).rowcount == 1


# By the primary key; the rest of the condition is the fence.
_HELD = and_(
    jobs.c.id == bindparam("job"),
    jobs.c.claim_token == bindparam("token"),
    jobs.c.state == literal_column("'executing'"),
)
_NOW = bindparam("new_now", type_=jobs.c.finished_at.type)
_LEFT: dict[str, Any] = {"claim_token": null(), "worker": null()}
_ENDED: dict[str, Any] = {**_LEFT, "finished_at": _NOW}


def _ends(state: JobState, **values: Any) -> Update:
    new = _ENDED | {"state": literal_column(f"'{state}'"), "unique_key": key_in(state)} | values
    return update(jobs).where(_HELD).values(new)


def _goes_on(state: JobState, **values: Any) -> Update:
    """Put a job back, or end it where somebody asked for that.

    No column that an expression reads is assigned: MySQL assigns from left to right and would show
    the new value.
    """
    asked = jobs.c.cancel_requested
    new = {
        "state": case((asked, literal_column("'cancelled'")), else_=literal_column(f"'{state}'")),
        "finished_at": case((asked, _NOW), else_=null()),
        "unique_key": case((asked, key_in(JobState.CANCELLED)), else_=jobs.c.unique_key),
    }
    return update(jobs).where(_HELD).values(_LEFT | new | values)


_COMPLETE = _ends(
    JobState.COMPLETED, result=bindparam("new_result", type_=jobs.c.result.type), reason=null()
)
_BURY = _ends(JobState.DEAD, reason=bindparam("new_reason"))
_CANCEL = _ends(JobState.CANCELLED)
_RETRY = _goes_on(
    JobState.RETRYABLE,
    attempt=jobs.c.attempt - bindparam("given_back", type_=jobs.c.attempt.type),
    scheduled_at=bindparam("new_at", type_=jobs.c.scheduled_at.type),
    claim_order=new_claim_order("new_at_us"),
)
_RELEASE = _goes_on(JobState.AVAILABLE, attempt=jobs.c.attempt - 1)
_LOCK = select(jobs.c.crashes, jobs.c.cancel_requested).where(_HELD).with_for_update()
_LOSE = (
    update(jobs)
    .where(_HELD)
    .values(
        _LEFT
        | {
            "state": bindparam("new_state"),
            "reason": bindparam("new_reason"),
            "crashes": bindparam("new_crashes"),
            "finished_at": bindparam("new_finished_at", type_=jobs.c.finished_at.type),
        }
    )
)
_LOSE_ENDED = {
    state: _LOSE.values(unique_key=key_in(state)) for state in (JobState.CANCELLED, JobState.DEAD)
}
# The index on worker holds executing jobs only, and each asks for its worker by primary key.
_ABANDONED = (
    select(jobs.c.id, jobs.c.claim_token, jobs.c.attempt, jobs.c.worker, workers.c.name)
    .select_from(jobs.outerjoin(workers, workers.c.id == jobs.c.worker))
    .where(
        jobs.c.state == literal_column("'executing'"),
        or_(
            workers.c.id.is_(None),
            workers.c.expires_at < bindparam("now", type_=workers.c.expires_at.type),
        ),
    )
    .limit(bindparam("limit"))
)
