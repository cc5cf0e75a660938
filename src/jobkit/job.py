"""A job: one enqueued run of a task with one payload."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobkit.queues import Priority


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    AVAILABLE = "available"
    EXECUTING = "executing"
    RETRYABLE = "retryable"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @property
    def ended(self) -> bool:
        """Tell whether a job in this state will not run again by itself."""
        return self in ENDED


ENDED = frozenset({JobState.COMPLETED, JobState.CANCELLED, JobState.DEAD})
PENDING = frozenset({JobState.WAITING, JobState.SCHEDULED, JobState.AVAILABLE, JobState.RETRYABLE})


@dataclass(frozen=True)
class Failure:
    """Describe one attempt that did not succeed."""

    attempt: int
    at: datetime
    kind: str
    """`error`, `time_limit`, `crash` or `interrupted`."""

    type: str
    message: str
    traceback: str | None


@dataclass(frozen=True)
class Progress:
    """Tell how far a job has come."""

    done: int
    of: int | None
    note: str | None
    at: datetime

    @property
    def fraction(self) -> float | None:
        """Return the part that is done, from 0 to 1, where the whole is known."""
        return min(1.0, self.done / self.of) if self.of else None


@dataclass(frozen=True)
class Job:
    """Show a job as the store has it. Private payload fields read `[redacted]`."""

    id: str
    task: str
    queue: str
    tenant_id: str | None
    priority: Priority
    state: JobState
    reason: str | None
    """Why a dead job died: `exhausted`, `permanent`, `poison`, `invalid` or `unknown_task`."""

    payload: str
    """The payload as JSON."""

    result: str | None
    """The result as JSON, when completed."""

    attempt: int
    max_attempts: int
    crashes: int
    created_at: datetime
    scheduled_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    cancel_requested: bool
    foreign_id: str | None
    schedule: str | None
    scheduled_for: datetime | None = None
    """The run of the schedule that this job is, or None."""

    progress: Progress | None = None
    failures: tuple[Failure, ...] = ()


def new_job_id(seconds: float) -> str:
    """Return a UUIDv7 (RFC 9562, section 5.7) for the time *seconds* since 1970 in UTC.

    The twelve bits after the version count 1/4096 milliseconds (method 3 of section 6.2), so ids
    made by one clock sort by time to a quarter of a microsecond.
    """
    milliseconds, rest = divmod(seconds * 1000, 1)
    value = (int(milliseconds) & 0xFFFFFFFFFFFF) << 80
    value |= 0x7 << 76 | int(rest * 4096) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return str(uuid.UUID(int=value))
