"""Which states let a job keep its unique key, in SQL."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, case, literal_column, null

from jobkit.job import JobState
from jobkit.store.schema import jobs

_BITS = {
    JobState.EXECUTING: 1,
    JobState.COMPLETED: 2,
    JobState.CANCELLED: 4,
    JobState.DEAD: 8,
}


def states_as_bits(states: Collection[JobState]) -> int:
    """Return *states* as the number that `unique_states` keeps; the waiting ones go without."""
    return sum(bit for state, bit in _BITS.items() if state in states)


def key_in(state: JobState) -> ColumnElement[str | None]:
    """Return the `unique_key` of a job that gets into *state*: its own, or NULL.

    A job that names no states keeps its key until it has ended.
    """
    bit: ColumnElement[int] = literal_column(str(_BITS[state]))
    kept = jobs.c.unique_states.bitwise_and(bit) != literal_column("0")
    if not state.ended:
        kept = kept | jobs.c.unique_states.is_(None)
    return case((kept, jobs.c.unique_key), else_=null())
