"""The ledger of effects: intended before they are done, settled afterwards.

What is intended and not settled, and not under way in the run that holds the job, is unknown. It
is never taken for undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from jobkit.store.holding import HELD, hold
from jobkit.store.schema import effects, jobs

Settled = Literal["done", "found", "skipped"]
"""How an effect was settled: by doing it, by asking the outside, by leaving it."""


@dataclass(frozen=True)
class Effect:
    """Tell what the ledger knows of an effect that was intended before."""

    outcome: Settled | None
    """None: unknown."""

    result: str | None = None
    """Sealed JSON. None also for a result that could not be stored."""


def begin(
    conn: Connection, id: str, token: str, key: str, *, attempt: int, now: datetime
) -> Effect | None:
    """Write down that this run intends an effect, or return what is known of it.

    None: it is new, and the caller may go ahead once this is committed. Raises `ClaimLost`.
    """
    # The lock keeps a rescue, and so a second run, away until the intent is committed.
    hold(conn, id, token)
    given = {"job": id, "effect": key}
    found = conn.execute(_FIND, given).first()
    if found is None:
        new = {
            "job_id": id,
            "key": key,
            "claim_token": token,
            "attempt": attempt,
            "intended_at": now,
        }
        conn.execute(insert(effects), new)
        return None
    if found.outcome is None:
        conn.execute(_TAKE_OVER, {**given, "new_token": token, "new_attempt": attempt})
    return Effect(found.outcome, found.result)


def settle(
    conn: Connection,
    id: str,
    token: str,
    key: str,
    outcome: Settled,
    result: str | None,
    now: datetime,
) -> bool:
    """Record how an effect ended; False if this run no longer holds its job."""
    given = {"new_outcome": outcome, "new_result": result, "new_at": now}
    return conn.execute(_SETTLE, {"job": id, "token": token, "effect": key, **given}).rowcount == 1


def free(conn: Connection, id: str, token: str, key: str) -> bool:
    """Forget the intent of an effect that certainly did not happen; False as in `settle`."""
    return conn.execute(_FREE, {"job": id, "token": token, "effect": key}).rowcount == 1


def oldest_unknown(conn: Connection, now: datetime) -> float | None:
    """Return how many seconds ago the oldest unknown effect was intended; None without one.

    One that the run that holds its job is doing at this moment is not unknown.
    """
    intended_at = conn.execute(_OLDEST_UNKNOWN).scalar()
    return None if intended_at is None else max(0.0, (now - intended_at).total_seconds())


# By the primary key.
_THIS = (
    effects.c.job_id == bindparam("job", type_=effects.c.job_id.type),
    effects.c.key == bindparam("effect"),
)
_FIND = select(effects.c.outcome, effects.c.result).where(*_THIS)
_TAKE_OVER = (
    update(effects)
    .where(*_THIS)
    .values(claim_token=bindparam("new_token"), attempt=bindparam("new_attempt"))
)
_HOLDS = select(jobs.c.id).where(HELD).exists()
_SETTLE = (
    update(effects)
    .where(*_THIS, _HOLDS)
    .values(
        outcome=bindparam("new_outcome"),
        result=bindparam("new_result", type_=effects.c.result.type),
        done_at=bindparam("new_at", type_=effects.c.done_at.type),
    )
)
_FREE = delete(effects).where(*_THIS, effects.c.done_at.is_(None), _HOLDS)
# The index of open effects holds those under way and the unknown ones, which are few; each asks
# for its job by primary key.
_OLDEST_UNKNOWN = (
    select(func.min(effects.c.intended_at))
    .select_from(effects.join(jobs, jobs.c.id == effects.c.job_id))
    .where(
        effects.c.done_at.is_(None),
        or_(
            jobs.c.state != literal_column("'executing'"),
            jobs.c.claim_token != effects.c.claim_token,
        ),
    )
)
