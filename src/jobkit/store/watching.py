"""Looks over the store that are taken again and again: one cheap statement each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, literal_column, select

from jobkit.store.columns import UtcDateTime
from jobkit.store.schema import jobs, workers


@dataclass(frozen=True)
class Held:
    """Show a job that a worker holds by the store's account."""

    id: str
    token: str
    cancel_requested: bool
    started_at: datetime


@dataclass(frozen=True)
class Glance:
    """Tell what the keeper finds to do."""

    due: bool
    """A scheduled or retryable job's time has come."""

    lost: bool
    """A job is held by a worker that no longer lives."""

    available: bool
    """A job waits to be claimed."""


# Literals, not parameters: a partial index is used only where the statement itself shows that its
# condition holds.
_EXECUTING = jobs.c.state == literal_column("'executing'")
_HELD = select(jobs.c.id, jobs.c.claim_token, jobs.c.cancel_requested, jobs.c.started_at).where(
    _EXECUTING, jobs.c.worker == bindparam("worker")
)

_NOW = bindparam("now", type_=UtcDateTime())
_ONE: ColumnElement[int] = literal_column("1")


def _first(*conditions: Any, order: Sequence[Any]) -> ColumnElement[bool]:
    """Tell whether there is a first job by *order*.

    The order makes PostgreSQL read the index. An EXISTS it might answer by reading the table from
    its start, when its statistics are of an hour in which most jobs were of this kind.
    """
    first = select(_ONE).select_from(jobs).where(*conditions).order_by(*order).limit(_ONE)
    return first.scalar_subquery().is_not(None)


_DUE = _first(
    jobs.c.state.in_([literal_column("'scheduled'"), literal_column("'retryable'")]),
    jobs.c.scheduled_at <= _NOW,
    order=[jobs.c.scheduled_at],
)
_LOST = exists().where(
    _EXECUTING,
    ~exists().where(workers.c.id == jobs.c.worker, workers.c.expires_at >= _NOW).correlate(jobs),
)
_AVAILABLE = _first(
    jobs.c.state == literal_column("'available'"), order=[jobs.c.queue, jobs.c.claim_order]
)
_GLANCE = select(_DUE.label("due"), _LOST.label("lost"), _AVAILABLE.label("available"))


def held_by(conn: Connection, worker: str) -> list[Held]:
    """Return the jobs that *worker* holds; reads the index of executing jobs by worker."""
    return [
        Held(row.id, row.claim_token, bool(row.cancel_requested), row.started_at)
        for row in conn.execute(_HELD, {"worker": worker})
    ]


def glance(conn: Connection, now: datetime) -> Glance:
    """Look for work for the keeper; each part stops at the first row of a partial index."""
    row = conn.execute(_GLANCE, {"now": now}).one()
    return Glance(bool(row.due), bool(row.lost), bool(row.available))
