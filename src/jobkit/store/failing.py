"""Recording attempts that did not succeed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select

from jobkit.store.schema import failures


@dataclass(frozen=True)
class NewFailure:
    """Describe an attempt that did not succeed; the texts are redacted already."""

    attempt: int
    kind: str
    """`error`, `time_limit`, `crash` or `interrupted`."""

    type: str
    message: str
    traceback: str | None


# One statement; the primary key answers for the highest n. Whoever writes here has locked the job's
# row before, so that two cannot take the same number.
_ADD = insert(failures).from_select(
    ["job_id", "n", "attempt", "at", "kind", "type", "message", "traceback"],
    select(
        bindparam("job", type_=failures.c.job_id.type),
        func.coalesce(func.max(failures.c.n), 0) + 1,
        *(
            bindparam(f"new_{name}", type_=failures.c[name].type)
            for name in ("attempt", "at", "kind", "type", "message", "traceback")
        ),
    ).where(failures.c.job_id == bindparam("job", type_=failures.c.job_id.type)),
)


def add_failure(conn: Connection, job_id: str, failure: NewFailure, now: datetime) -> None:
    """Add *failure* to the job, whose row this transaction has written."""
    conn.execute(
        _ADD,
        {
            "job": job_id,
            "new_attempt": failure.attempt,
            "new_at": now,
            "new_kind": failure.kind,
            "new_type": failure.type,
            "new_message": failure.message,
            "new_traceback": failure.traceback,
        },
    )
