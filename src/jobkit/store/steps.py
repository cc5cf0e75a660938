"""What a job's next attempt goes on from: the results of its steps, the cursors of its loops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from jobkit.store.conflicts import counted
from jobkit.store.holding import HELD
from jobkit.store.schema import cursors, jobs, steps


@dataclass(frozen=True)
class Reached:
    """Tell how far a loop has come."""

    done: int
    """How many items are behind it, in all attempts together."""

    cursor: str
    """Sealed JSON of the last one's cursor."""


def result(conn: Connection, id: str, name: str) -> str | None:
    """Return the recorded result of a step as sealed JSON, or None."""
    return conn.execute(_RESULT, {"job": id, "step": name}).scalar()


def keep(
    conn: Connection, id: str, token: str, name: str, result: str, *, attempt: int, now: datetime
) -> bool:
    """Record the result of a step; False if this run no longer holds its job."""
    return _KEEP_STEP(conn, id, token, name, result=result, attempt=attempt, done_at=now)


def reached(conn: Connection, id: str, name: str) -> Reached | None:
    """Return how far a loop had come, or None for one that has not begun."""
    row = conn.execute(_REACHED, {"job": id, "step": name}).first()
    return None if row is None else Reached(row.done, row.cursor)


def keep_cursor(
    conn: Connection, id: str, token: str, name: str, done: int, cursor: str, now: datetime
) -> bool:
    """Record how far a loop has come; False if this run no longer holds its job."""
    return _KEEP_CURSOR(conn, id, token, name, done=done, cursor=cursor, at=now)


class _Keep:
    """Write a row over, or insert it; the run that holds the claim is the only writer."""

    def __init__(self, table: Table) -> None:
        names = [column.name for column in table.c if not column.primary_key]
        new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        held = select(jobs.c.id).where(HELD)
        self._update = (
            update(table)
            .where(
                table.c.job_id == bindparam("job", type_=table.c.job_id.type),
                table.c.name == bindparam("step"),
                held.exists(),
            )
            .values(new)
        )
        values = select(jobs.c.id, bindparam("step", type_=table.c.name.type), *new.values())
        self._insert = counted(
            insert(table).from_select(["job_id", "name", *names], values.where(HELD))
        )

    def __call__(self, conn: Connection, id: str, token: str, name: str, **new: Any) -> bool:
        given = {"job": id, "token": token, "step": name}
        given |= {f"new_{name}": value for name, value in new.items()}
        if conn.execute(self._update, given).rowcount == 1:
            return True
        return conn.execute(self._insert, given).rowcount == 1


_KEEP_STEP = _Keep(steps)
_KEEP_CURSOR = _Keep(cursors)
# By the primary keys.
_RESULT = select(steps.c.result).where(
    steps.c.job_id == bindparam("job"), steps.c.name == bindparam("step")
)
_REACHED = select(cursors.c.done, cursors.c.cursor).where(
    cursors.c.job_id == bindparam("job"), cursors.c.name == bindparam("step")
)
