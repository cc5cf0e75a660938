"""The proof that a run still holds its job."""

from __future__ import annotations

from sqlalchemy import Connection, and_, bindparam, literal_column, select

from jobkit.errors import ClaimLost
from jobkit.store.schema import jobs

# By the primary key; the rest of the condition is the fence. Takes the parameters job and token.
HELD = and_(
    jobs.c.id == bindparam("job", type_=jobs.c.id.type),
    jobs.c.claim_token == bindparam("token"),
    jobs.c.state == literal_column("'executing'"),
)
_LOCK = select(jobs.c.id).where(HELD).with_for_update()


def hold(conn: Connection, id: str, token: str) -> None:
    """Keep the job with this run until the transaction ends. Raises `ClaimLost`."""
    if conn.execute(_LOCK, {"job": id, "token": token}).first() is None:
        raise ClaimLost
