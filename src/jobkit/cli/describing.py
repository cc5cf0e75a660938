"""Jobs as programs read them: plain data for JSON, private values taken out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobkit.job import Failure, Job


def job_data(job: Job) -> dict[str, Any]:
    """Return a job as it is shown: payload and result as data, times in ISO 8601."""
    return {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "state": job.state.value,
        "reason": job.reason,
        "tenant_id": job.tenant_id,
        "priority": job.priority.name.lower(),
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "crashes": job.crashes,
        "created_at": job.created_at.isoformat(),
        "scheduled_at": job.scheduled_at.isoformat(),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "worker": job.worker,
        "cancel_requested": job.cancel_requested,
        "schedule": job.schedule,
        "scheduled_for": job.scheduled_for.isoformat() if job.scheduled_for else None,
        "foreign_id": job.foreign_id,
        "progress": progress_data(job),
        "payload": json.loads(job.payload),
        "result": as_data(job.result),
    }


def job_with_failures(job: Job) -> dict[str, Any]:
    """Return a job with what went wrong in each attempt."""
    return job_data(job) | {"failures": [failure_data(failure) for failure in job.failures]}


def progress_data(job: Job) -> dict[str, Any] | None:
    """Return how far a job has come."""
    if job.progress is None:
        return None
    return {"done": job.progress.done, "of": job.progress.of, "note": job.progress.note}


def failure_data(failure: Failure) -> dict[str, Any]:
    """Return one attempt that did not succeed."""
    return {
        "attempt": failure.attempt,
        "at": failure.at.isoformat(),
        "kind": failure.kind,
        "type": failure.type,
        "message": failure.message,
        "traceback": failure.traceback,
    }


def as_data(stored: str | None) -> Any:
    """Return a stored result as data, with `[redacted]` for private values."""
    from jobkit.privacy import redacted

    return None if stored is None else json.loads(redacted(stored))
