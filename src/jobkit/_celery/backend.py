"""Results for Celery's `AsyncResult`, read from the job store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.base import Backend, SyncBackendMixin
from celery.exceptions import TaskRevokedError

from jobkit.errors import JobDead, JobNotFound
from jobkit.job import Job, JobState

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

STATES = {
    JobState.WAITING: states.PENDING,
    JobState.SCHEDULED: states.PENDING,
    JobState.AVAILABLE: states.PENDING,
    JobState.EXECUTING: states.STARTED,
    JobState.RETRYABLE: states.RETRY,
    JobState.COMPLETED: states.SUCCESS,
    JobState.DEAD: states.FAILURE,
    JobState.CANCELLED: states.REVOKED,
}


class StoreBackend(SyncBackendMixin, Backend):
    """Read what became of a job; nothing is ever written here."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(app=runtime.celery)
        self._application = runtime.application

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        try:
            job = self._application.look_up(task_id)
        except JobNotFound:
            return {"status": states.PENDING, "result": None, "task_id": task_id}
        return {
            "task_id": job.id,
            "name": job.task,
            "status": STATES[job.state],
            "result": self._result(job),
            "traceback": job.failures[-1].traceback if job.failures else None,
            "children": [],
            "date_done": job.finished_at,
            "retries": max(0, job.attempt - 1),
        }

    def get_task_meta(self, task_id: str, cache: bool = True) -> dict[str, Any]:
        """Return Celery's description of the job; never cached, for it is the store that knows."""
        return self._get_task_meta_for(task_id)

    def store_result(self, task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        """Ignore what Celery would write: outcomes are recorded with the job."""
        return result

    def forget(self, task_id: str) -> None:
        """Ignore: jobs are kept and pruned by the retention policy."""

    def _result(self, job: Job) -> Any:
        if job.state is JobState.COMPLETED:
            return self._application.result_of(job)
        if job.state is JobState.DEAD:
            last = job.failures[-1] if job.failures else None
            return JobDead(f"{last.type}: {last.message}" if last else str(job.reason))
        if job.state is JobState.CANCELLED:
            return TaskRevokedError("revoked")
        if job.state is JobState.EXECUTING and job.progress:
            return {"done": job.progress.done, "of": job.progress.of, "note": job.progress.note}
        return None
