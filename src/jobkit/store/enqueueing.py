"""Writing new jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy import insert as sql_insert

from jobkit.errors import DuplicateJob, StoreUnavailable
from jobkit.job import PENDING, JobState
from jobkit.store.conflicts import insert_new
from jobkit.store.failing import NewFailure, add_failure
from jobkit.store.orders import claim_order
from jobkit.store.schema import jobs
from jobkit.unique import OnConflict


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
    unique_states: int | None = None
    """The states in which it keeps the key, from `states_as_bits`."""

    on_conflict: OnConflict = "keep"
    schedule: str | None = None
    scheduled_for: datetime | None = None


@dataclass(frozen=True)
class Placed:
    """Tell what became of a new job: stored, or found to be the same work as an earlier one."""

    id: str
    """The earlier job's where there is one."""

    queue: str
    duplicate: bool = False
    due: bool = False
    """Whether the store has got something to do by it now."""


_INSERT = sql_insert(jobs)
_TRIES = 20
# Our own engines call both servers mysql; a host may call its MariaDB by its name.
_MYSQL = ("mysql", "mariadb")


def store(
    conn: Connection, new: Sequence[NewJob], now: datetime, *, lenient: bool = False
) -> list[Placed]:
    """Store jobs unless they are the same work as earlier ones; return what became of each.

    Raises `DuplicateJob` for one whose policy is to reject it; with *lenient* it is left out and
    told like any other duplicate.
    """
    insert(conn, [job for job in new if job.unique_key is None], now)
    placed: dict[str, Placed] = {}
    # By key: two transactions that store the same jobs in other orders would wait for each other.
    for job in sorted(new, key=lambda job: job.unique_key or ""):
        if job.unique_key is None:
            placed[job.id] = _new(job, now)
        else:
            placed[job.id] = _place(conn, job, now, lenient)
    return [placed[job.id] for job in new]


def insert(conn: Connection, new: Sequence[NewJob], now: datetime) -> None:
    """Store jobs: available when due, scheduled otherwise."""
    if new:
        conn.execute(_INSERT, [_row(job, now) for job in new])


def insert_foreign(conn: Connection, job: NewJob, now: datetime) -> bool:
    """Store a job that came as a foreign message; False if its message was stored before.

    Also False for the same work as an earlier job: nobody is there to be told.
    """
    if job.unique_key is None:
        return insert_new(conn, jobs, _row(job, now), ["foreign_id"])
    known = select(jobs.c.id).where(jobs.c.foreign_id == job.foreign_id)
    if conn.execute(known).first() is not None:
        return False
    return not _place(conn, job, now, lenient=True).duplicate


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


def _new(job: NewJob, now: datetime) -> Placed:
    return Placed(job.id, job.queue, due=job.scheduled_at <= now)


def _place(conn: Connection, job: NewJob, now: datetime, lenient: bool) -> Placed:
    """Store a job that has a unique key, or do to the earlier one what its policy says."""
    # An INSERT that fails on MySQL keeps a lock, over which those who then change the row fall out.
    first_look = conn.dialect.name in _MYSQL
    for _ in range(_TRIES):
        if not first_look and insert_new(conn, jobs, _row(job, now), ["unique_key"]):
            return _new(job, now)
        first_look = False
        if (placed := _meet(conn, job, now, lenient)) is not None:
            return placed
        # The other has left the states of its policy in between.
    raise StoreUnavailable("equal jobs come and go faster than this one can be stored; try again")


def _meet(conn: Connection, job: NewJob, now: datetime, lenient: bool) -> Placed | None:
    """Find the earlier job and do what the policy says; None if there is none any more."""
    found = select(jobs.c.id, jobs.c.queue, jobs.c.state, jobs.c.priority, jobs.c.scheduled_at)
    found = found.where(jobs.c.unique_key == job.unique_key)
    changes = job.on_conflict in ("replace", "debounce")
    if changes:
        found = found.with_for_update()
    elif conn.dialect.name in _MYSQL:
        # A host's transaction there may see an old snapshot; a lock makes it look at what is.
        found = found.with_for_update(read=True)
    other = conn.execute(found).first()
    if other is None:
        return None
    if job.on_conflict == "reject" and not lenient:
        raise DuplicateJob(
            f"the same work is queued already: job {other.id} of {job.task}", job_id=other.id
        )
    state = JobState(other.state)
    if not changes or state not in PENDING:
        return Placed(other.id, other.queue, duplicate=True)
    if job.on_conflict == "replace":
        values = _replacement(job, state, now)
    else:
        values = _put_off(max(job.scheduled_at, other.scheduled_at), other.priority, state, now)
    conn.execute(update(jobs).where(jobs.c.id == other.id).values(values))
    due = values["state"] == JobState.AVAILABLE.value
    return Placed(other.id, values.get("queue", other.queue), duplicate=True, due=due)


_REPLACED = (
    "queue", "tenant_id", "priority", "payload", "attempt", "max_attempts", "crashes",
    "unique_states", "schedule", "scheduled_for",
)  # fmt: skip


def _replacement(job: NewJob, state: JobState, now: datetime) -> dict[str, Any]:
    row = _row(job, now)
    # Not retryable any more either: it has its whole round of attempts before it.
    time = _put_off(job.scheduled_at, job.priority, state, now, again=JobState.SCHEDULED)
    return {name: row[name] for name in _REPLACED} | time


def _put_off(
    at: datetime, priority: int, state: JobState, now: datetime, again: JobState | None = None
) -> dict[str, Any]:
    """Return the columns of a waiting job that is to run *at* a moment."""
    if state is not JobState.WAITING:
        later = again or (state if state is JobState.RETRYABLE else JobState.SCHEDULED)
        state = later if at > now else JobState.AVAILABLE
    return {
        "state": state.value,
        "scheduled_at": at,
        "claim_order": claim_order(priority, at),
    }


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
        "unique_states": job.unique_states,
        "schedule": job.schedule,
        "scheduled_for": job.scheduled_for,
    }
