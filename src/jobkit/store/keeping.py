"""What the keeper does: staging what is due, counting what waits, and being the only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from jobkit.store.conflicts import insert_new
from jobkit.store.schema import jobs, leases


def stage(conn: Connection, now: datetime, limit: int = 500) -> dict[str, int]:
    """Make jobs whose time has come available; return how many in each queue.

    *limit* bounds one call: a full batch means that there is more.
    """
    staged: Counter[str] = Counter()
    for due in _due(conn):
        left = limit - staged.total()
        rows = conn.execute(
            due.where(jobs.c.scheduled_at <= now).limit(left).with_for_update(skip_locked=True)
        ).all()
        if rows:
            conn.execute(_STAGE, {"ids": [row.id for row in rows]})
            staged.update(row.queue for row in rows)
    return dict(staged)


def next_due(conn: Connection) -> datetime | None:
    """Return when the next job becomes due, or None; reads the first entry of the index."""
    firsts = [conn.execute(due.limit(1)).first() for due in _due(conn)]
    return min((row.scheduled_at for row in firsts if row is not None), default=None)


def waiting(conn: Connection, queues: Sequence[str], cap: int = 64) -> dict[str, int]:
    """Return how many jobs of each queue are available, counted up to *cap*.

    Reads at most *cap* entries of the index of lines a queue, however long the line is.
    """
    if not queues:
        return {}
    given = {f"queue_{n}": queue for n, queue in enumerate(queues)}
    rows = conn.execute(_counts(len(queues)), {"cap": cap, **given})
    return {queues[row.n]: row.jobs for row in rows}


def take_lease(conn: Connection, name: str, holder: str, now: datetime, seconds: float) -> bool:
    """Take or renew the lease *name*; False while another holds it."""
    until = now + timedelta(seconds=seconds)
    free = or_(leases.c.expires_at < now, leases.c.holder == holder)
    renewed = conn.execute(
        update(leases).where(leases.c.name == name, free).values(holder=holder, expires_at=until)
    )
    if renewed.rowcount:
        return True
    return insert_new(conn, leases, {"name": name, "holder": holder, "expires_at": until}, ["name"])


def drop_lease(conn: Connection, name: str, holder: str) -> None:
    """Give up the lease *name* if *holder* has it."""
    conn.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


_STAGE = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .values(state=literal_column("'available'"))
)


def _due(conn: Connection) -> Iterable[Any]:
    """Return what reads the jobs that wait for their time, the longest due first.

    Partial indexes hold both states in one order. MySQL has an order for each state, and locks
    whatever it has to sort: there it is one statement a state.
    """
    found = select(jobs.c.id, jobs.c.queue, jobs.c.scheduled_at).order_by(jobs.c.scheduled_at)
    if conn.dialect.name in ("postgresql", "sqlite"):
        return [found.where(literal_column("state IN ('scheduled', 'retryable')"))]
    states = ("scheduled", "retryable")
    return [found.where(jobs.c.state == literal_column(f"'{state}'")) for state in states]


@lru_cache
def _counts(lines: int) -> Any:
    """Count the entries of each line in its index, up to the parameter *cap*.

    The order makes PostgreSQL read the index also when its statistics are of a busier hour.
    """
    counts = []
    for n in range(lines):
        entries = (
            select(jobs.c.id)
            .where(
                jobs.c.state == literal_column("'available'"),
                jobs.c.queue == bindparam(f"queue_{n}"),
            )
            .order_by(jobs.c.claim_order)
            .limit(bindparam("cap"))
            .subquery()
        )
        counts.append(
            select(literal(n).label("n"), func.count().label("jobs")).select_from(entries)
        )
    return union_all(*counts)
