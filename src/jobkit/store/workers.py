"""The workers that are alive, by their heartbeats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jobkit.store.schema import workers

FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class WorkerRow:
    """Describe one incarnation of a worker: a process that was started once."""

    id: str
    """Random for each start, so that no two incarnations are taken for each other."""

    name: str
    host: str
    pid: int
    pool: str
    concurrency: int
    queues: tuple[str, ...]
    busy: int
    quiet: bool
    started_at: datetime
    heartbeat_at: datetime
    expires_at: datetime


def register(conn: Connection, worker: WorkerRow, now: datetime, lease: float) -> None:
    """Add *worker*, alive for *lease* seconds from *now*; its own heartbeat times are ignored."""
    values = vars(worker) | _beat(worker.queues, now, lease)
    conn.execute(insert(workers).values(**values))


def beat(
    conn: Connection,
    id: str,
    *,
    busy: int,
    quiet: bool,
    queues: Sequence[str],
    now: datetime,
    lease: float,
) -> bool:
    """Renew a worker's lease; False if its row is gone and it has to register again."""
    values = {"worker": id, "busy": busy, "quiet": quiet, **_beat(queues, now, lease)}
    return conn.execute(_BEAT, values).rowcount == 1


def remove(conn: Connection, id: str) -> None:
    """Forget a worker that has stopped."""
    conn.execute(delete(workers).where(workers.c.id == id))


def living(conn: Connection, now: datetime) -> list[WorkerRow]:
    """Return the workers whose lease has not run out, by name.

    There are few: no index is needed.
    """
    found = (
        select(workers).where(workers.c.expires_at >= now).order_by(workers.c.name, workers.c.id)
    )
    return [
        WorkerRow(**{**row, "queues": tuple(json.loads(row["queues"]))})
        for row in conn.execute(found).mappings()
    ]


def sweep(conn: Connection, now: datetime) -> int:
    """Forget the workers that expired over an hour ago, and return their number."""
    gone = workers.c.expires_at < now - FORGOTTEN_AFTER
    return conn.execute(delete(workers).where(gone)).rowcount


def _beat(queues: Sequence[str], now: datetime, lease: float) -> dict[str, Any]:
    return {
        "queues": json.dumps(list(queues)),
        "heartbeat_at": now,
        "expires_at": now + timedelta(seconds=lease),
    }


_BEAT = (
    update(workers)
    .where(workers.c.id == bindparam("worker"))
    .values(
        {
            name: bindparam(name, type_=workers.c[name].type)
            for name in ("busy", "quiet", "queues", "heartbeat_at", "expires_at")
        }
    )
)
