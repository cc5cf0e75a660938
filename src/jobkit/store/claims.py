"""Claiming: how a worker takes a job."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    union_all,
    update,
)

from jobkit.job import JobState
from jobkit.store.columns import Names
from jobkit.store.sameness import key_in
from jobkit.store.schema import jobs


@dataclass(frozen=True)
class Claim:
    """Hold a job that this worker runs now; *token* proves it."""

    id: str
    token: str
    task: str
    queue: str
    tenant_id: str | None
    payload: str
    attempt: int
    max_attempts: int
    crashes: int
    scheduled_at: datetime
    started_at: datetime
    scheduled_for: datetime | None
    schedule: str | None


def claim(
    conn: Connection,
    *,
    worker: str,
    queues: Sequence[str],
    tasks: Sequence[str],
    now: datetime,
    hint: str | None = None,
) -> Claim | None:
    """Take the best available job of *queues* whose task is one of *tasks*, or None.

    The best is the hinted one where it is available, else the first by claim order. No two
    workers take the same, and none waits for another.
    """
    if not queues or not tasks:
        return None
    token = secrets.token_hex(16)
    taken = {"new_token": token, "new_worker": worker, "new_now": now}
    if conn.dialect.name == "postgresql":
        given = {"queues": queues, "line": queues[0], "tasks": tasks, **taken}
        if hint is not None:
            given["hint"] = hint
        row = conn.execute(_take_best(hint is not None, len(queues) > 1), given).first()
        return None if row is None else _claim(row, token, now, row.attempt)
    row = _pick(conn, queues, tasks, hint)
    if row is None:
        return None
    conn.execute(_TAKE, {"job": row.id, **taken})
    return _claim(row, token, now, row.attempt + 1)


def remaining(conn: Connection, queues: Sequence[str], tasks: Sequence[str]) -> bool:
    """Tell whether another job of *queues* could be claimed."""
    return next_line(conn, queues, tasks) is not None


def next_line(conn: Connection, queues: Sequence[str], tasks: Sequence[str]) -> str | None:
    """Return which of *queues* has the best job that could be claimed, or None."""
    return next(_by_head(conn, queues, tasks), None) if queues and tasks else None


# Literals, not parameters: a partial index is used only where the statement itself shows that its
# condition holds.
_AVAILABLE = jobs.c.state == literal_column("'available'")
_ONE: ColumnElement[int] = literal_column("1")
_SHOWN = [
    jobs.c[name]
    for name in (
        "id", "task", "queue", "tenant_id", "payload", "attempt", "max_attempts", "crashes",
        "scheduled_at", "scheduled_for", "schedule",
    )
]  # fmt: skip


def _taking() -> Update:
    return update(jobs).values(
        state=literal_column("'executing'"),
        attempt=jobs.c.attempt + 1,
        claim_token=bindparam("new_token"),
        worker=bindparam("new_worker"),
        started_at=bindparam("new_now", type_=jobs.c.started_at.type),
        unique_key=key_in(JobState.EXECUTING),
    )


_TAKE = _taking().where(jobs.c.id == bindparam("job"))


def _claim(row: Row[Any], token: str, now: datetime, attempt: int) -> Claim:
    return Claim(
        id=row.id,
        token=token,
        task=row.task,
        queue=row.queue,
        tenant_id=row.tenant_id,
        payload=row.payload,
        attempt=attempt,
        max_attempts=row.max_attempts,
        crashes=row.crashes,
        scheduled_at=row.scheduled_at,
        started_at=now,
        scheduled_for=row.scheduled_for,
        schedule=row.schedule,
    )


# PostgreSQL: one statement, one round trip.


@lru_cache
def _take_best(hinted: bool, several: bool) -> Update:
    """Take the best job in one statement; FOR UPDATE SKIP LOCKED passes by what others take."""
    known = jobs.c.task == any_(bindparam("tasks", type_=Names()))
    served = jobs.c.queue == any_(bindparam("queues", type_=Names()))
    # With a queue = ANY(...) the planner would sort the whole line.
    line = _first_of_several(known) if several else _head(jobs.c.queue == bindparam("line"), known)
    best: Any = line.scalar_subquery()
    if hinted:
        # By the primary key. coalesce stops at the first that is there, so that no second row is
        # locked.
        hinted_job = (
            select(jobs.c.id)
            .where(jobs.c.id == bindparam("hint"), _AVAILABLE, served, known)
            .with_for_update(skip_locked=True)
        )
        best = func.coalesce(hinted_job.scalar_subquery(), best)
    return _taking().where(jobs.c.id == best).returning(*_SHOWN)


def _head(*conditions: Any) -> Select[Any]:
    """Lock the first job of a line that nobody else is taking: reads the index of lines."""
    return (
        select(jobs.c.id)
        .where(_AVAILABLE, *conditions)
        .order_by(jobs.c.claim_order, jobs.c.id)
        .limit(_ONE)
        .with_for_update(skip_locked=True)
    )


def _first_of_several(known: Any) -> Select[Any]:
    """Order the lines by their heads, and lock the first job that can be had.

    One probe of the index a line; nothing is sorted but the heads. The join reads the ordered
    lines one by one and stops at the first job, so that no line but the best is locked: a second
    worker would find that line empty and go idle.
    """
    served = func.unnest(bindparam("queues", type_=Names()))
    line = served.table_valued("queue", name="line").render_derived()
    head = (
        select(jobs.c.claim_order, jobs.c.id)
        .where(_AVAILABLE, jobs.c.queue == line.c.queue, known)
        .order_by(jobs.c.claim_order, jobs.c.id)
        .limit(_ONE)
        .correlate(line)
        .lateral("head")
    )
    lines = (
        select(line.c.queue)
        .select_from(line.join(head, true()))
        .order_by(head.c.claim_order, head.c.id)
        .subquery("lines")
    )
    taken = _head(jobs.c.queue == lines.c.queue, known).correlate(lines).lateral("taken")
    return select(taken.c.id).select_from(lines.join(taken, true())).limit(_ONE)


# SQLite and MySQL: select, then update, in one transaction. On SQLite it is the only writer; on
# MySQL the selected row is locked.


def _pick(
    conn: Connection, queues: Sequence[str], tasks: Sequence[str], hint: str | None
) -> Row[Any] | None:
    if hint is not None:
        row = conn.execute(_HINTED, {"job": hint, "queues": queues, "tasks": tasks}).first()
        if row is not None:
            return row
    lines = iter(queues) if len(queues) == 1 else _by_head(conn, queues, tasks)
    for queue in lines:
        row = conn.execute(_HEAD_OF_LINE, {"queue": queue, "tasks": tasks}).first()
        if row is not None:
            return row
    return None


def _by_head(conn: Connection, queues: Sequence[str], tasks: Sequence[str]) -> Iterator[str]:
    """Yield the queues that have a job, the one with the best head first; locks nothing."""
    given = {f"queue_{n}": queue for n, queue in enumerate(queues)}
    for row in conn.execute(_heads(len(queues)), {"tasks": list(tasks), **given}).all():
        yield row.queue


@lru_cache
def _heads(lines: int) -> Any:
    """Read the head of each line by one probe of the index of lines."""
    heads = [
        select(
            select(jobs.c.queue, jobs.c.claim_order, jobs.c.id)
            .where(_AVAILABLE, jobs.c.queue == bindparam(f"queue_{n}"), _KNOWN)
            .order_by(jobs.c.claim_order, jobs.c.id)
            .limit(_ONE)
            .subquery()
        )
        for n in range(lines)
    ]
    together = union_all(*heads).subquery()
    return select(together.c.queue).order_by(together.c.claim_order, together.c.id)


_KNOWN = jobs.c.task.in_(bindparam("tasks", expanding=True))
_HINTED = (
    select(*_SHOWN)
    .where(
        jobs.c.id == bindparam("job"),
        _AVAILABLE,
        jobs.c.queue.in_(bindparam("queues", expanding=True)),
        _KNOWN,
    )
    .with_for_update(skip_locked=True)
)
_HEAD_OF_LINE = (
    select(*_SHOWN)
    .where(_AVAILABLE, jobs.c.queue == bindparam("queue"), _KNOWN)
    .order_by(jobs.c.claim_order, jobs.c.id)
    .limit(_ONE)
    .with_for_update(skip_locked=True)
)
