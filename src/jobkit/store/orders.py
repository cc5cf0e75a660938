"""The order in which waiting jobs are claimed: by time, urgent ones with a head start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, BindParameter, ColumnElement, bindparam, case

from jobkit.queues import Priority
from jobkit.store.schema import jobs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970-01-01 UTC to *moment*."""
    return (moment - _EPOCH) // _MICROSECOND


def claim_order(priority: int, scheduled_at: datetime) -> int:
    """Return the place of a job in its line; the lowest goes first."""
    return microseconds(scheduled_at) - _head_start(Priority(priority))


def new_claim_order(name: str) -> ColumnElement[int]:
    """Return the same for a stored job, whose new time in microseconds is the parameter *name*."""
    at: BindParameter[int] = bindparam(name, type_=BigInteger)
    starts = {priority.value: _head_start(priority) for priority in Priority}
    return at - case(starts, value=jobs.c.priority, else_=0)


def _head_start(priority: Priority) -> int:
    return int(priority.head_start * 1_000_000)
