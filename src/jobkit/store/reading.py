"""Reading jobs, as people see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from jobkit.job import Failure, Job, JobState, Progress
from jobkit.privacy import redacted
from jobkit.queues import Priority
from jobkit.store.schema import failures, jobs, progress


@dataclass(frozen=True)
class JobFilter:
    """Choose jobs; what is left empty chooses all."""

    states: Collection[JobState] = ()
    tasks: Collection[str] = ()
    queues: Collection[str] = ()
    tenant_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    reason: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a job must satisfy, for a WHERE clause."""
        found: list[ColumnElement[bool]] = []
        if self.states:
            found.append(jobs.c.state.in_([JobState(state).value for state in self.states]))
        if self.tasks:
            found.append(jobs.c.task.in_(list(self.tasks)))
        if self.queues:
            found.append(jobs.c.queue.in_(list(self.queues)))
        if self.tenant_id is not None:
            found.append(jobs.c.tenant_id == self.tenant_id)
        if self.created_after is not None:
            found.append(jobs.c.created_at > self.created_after)
        if self.created_before is not None:
            found.append(jobs.c.created_at < self.created_before)
        if self.reason is not None:
            found.append(jobs.c.reason == self.reason)
        return found


def get(conn: Connection, id: str) -> Job | None:
    """Return the job with this id, or with this id as a foreign message, or None.

    It comes with its progress and its failures; private payload fields read `[redacted]`.
    """
    # Two unique indexes, asked one after the other: an OR could make the planner scan.
    row = conn.execute(_SHOWN.where(jobs.c.id == id)).mappings().first()
    if row is None:
        row = conn.execute(_SHOWN.where(jobs.c.foreign_id == id)).mappings().first()
    if row is None:
        return None
    told = select(failures).where(failures.c.job_id == row["id"]).order_by(failures.c.n)
    return _job(row, tuple(_failure(one) for one in conn.execute(told).mappings()))


def raw_payload(conn: Connection, id: str) -> str | None:
    """Return the payload as it is stored, private values sealed, or None without such a job."""
    return conn.execute(select(jobs.c.payload).where(jobs.c.id == id)).scalar()


def find(
    conn: Connection,
    where: JobFilter,
    limit: int = 50,
    after: str | None = None,
    newest_first: bool = True,
) -> list[Job]:
    """Return the jobs that *where* chooses, by id and so by time, without their failures.

    *after* is the id of the last job of the page before: a page costs the same wherever it is.
    """
    found = _SHOWN.where(*where.conditions()).limit(limit)
    if after is not None:
        found = found.where(jobs.c.id < after if newest_first else jobs.c.id > after)
    order = jobs.c.id.desc() if newest_first else jobs.c.id
    return [_job(row, ()) for row in conn.execute(found.order_by(order)).mappings()]


def counts(conn: Connection) -> dict[str, dict[JobState, int]]:
    """Return how many jobs of each state each queue has; reads every job."""
    tally: dict[str, dict[JobState, int]] = defaultdict(dict)
    grouped = select(jobs.c.queue, jobs.c.state, func.count()).group_by(jobs.c.queue, jobs.c.state)
    for queue, state, number in conn.execute(grouped):
        tally[queue][JobState(state)] = number
    return dict(tally)


def state_of(conn: Connection, id: str) -> JobState | None:
    """Return the state of a job, or None without such a job."""
    state = conn.execute(select(jobs.c.state).where(jobs.c.id == id)).scalar()
    return None if state is None else JobState(state)


_SHOWN = select(
    jobs,
    progress.c.done,
    progress.c.of,
    progress.c.note,
    progress.c.at,
).select_from(jobs.outerjoin(progress, progress.c.job_id == jobs.c.id))

_COPIED = (
    "id", "task", "queue", "tenant_id", "reason", "attempt", "max_attempts", "crashes",
    "created_at", "scheduled_at", "started_at", "finished_at", "worker", "cancel_requested",
    "foreign_id", "schedule", "scheduled_for", "result",
)  # fmt: skip


def _job(row: RowMapping, told: tuple[Failure, ...]) -> Job:
    copied: dict[str, Any] = {name: row[name] for name in _COPIED}
    come = (
        Progress(row["done"], row["of"], row["note"], row["at"])
        if row["done"] is not None
        else None
    )
    return Job(
        **copied,
        priority=Priority(row["priority"]),
        state=JobState(row["state"]),
        payload=redacted(row["payload"]),
        progress=come,
        failures=told,
    )


def _failure(row: RowMapping) -> Failure:
    return Failure(
        attempt=row["attempt"],
        at=row["at"],
        kind=row["kind"],
        type=row["type"],
        message=row["message"],
        traceback=row["traceback"],
    )
