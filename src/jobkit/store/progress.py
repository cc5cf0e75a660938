"""How far running jobs have come: in a table of its own, so that the jobs are not rewritten."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jobkit.store.conflicts import counted
from jobkit.store.holding import HELD
from jobkit.store.schema import jobs, progress


def write(
    conn: Connection,
    id: str,
    token: str,
    done: int,
    of: int | None,
    note: str | None,
    now: datetime,
) -> bool:
    """Record how far the job has come; False if this run no longer holds it."""
    given = {
        "job": id, "token": token,
        "new_done": done, "new_of": of, "new_note": note, "new_at": now,
    }  # fmt: skip
    # The run that holds the claim is the only writer: nobody can insert in between.
    if conn.execute(_UPDATE, given).rowcount == 1:
        return True
    return conn.execute(_INSERT, given).rowcount == 1


def clear(conn: Connection, id: str) -> None:
    """Forget how far the job had come."""
    conn.execute(delete(progress).where(progress.c.job_id == id))


_NEW = {
    name: bindparam(f"new_{name}", type_=progress.c[name].type)
    for name in ("done", "of", "note", "at")
}
_UPDATE = (
    update(progress)
    .where(progress.c.job_id == bindparam("job"), select(jobs.c.id).where(HELD).exists())
    .values(_NEW)
)
_INSERT = counted(
    insert(progress).from_select(["job_id", *_NEW], select(jobs.c.id, *_NEW.values()).where(HELD))
)
