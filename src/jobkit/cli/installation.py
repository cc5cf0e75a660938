"""What is alive around an application: its workers, and whether its broker answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobkit.store import workers

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.store.workers import WorkerRow


def living(jobs: Jobkit) -> list[WorkerRow]:
    """Return the workers whose heartbeat is there."""
    jobs.start()
    with jobs.database.read() as conn:
        return workers.living(conn, jobs.clock.now())


def serving(jobs: Jobkit, queue: str) -> list[WorkerRow]:
    """Return the living workers that take jobs of *queue*."""
    return [row for row in living(jobs) if queue in row.queues and not row.quiet]
