"""Tasks declared with `durable=False`: plain Celery tasks with jobkit's typing and injection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Task as CeleryTask

from jobkit.context import JobContext
from jobkit.execution import LocalSlot
from jobkit.execution.ports import RunPorts
from jobkit.logs import job_logging
from jobkit.privacy import Redactor, private_values
from jobkit.store.claims import Claim
from jobkit.submission import tenant_of
from jobkit.task import Task

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime


class UndurableTask(CeleryTask):
    """Run a cheap task straight from its message. It may be lost, and nothing is stored."""

    abstract = True
    ignore_result = True
    acks_late = False
    runtime: Runtime
    declared: Task[Any, Any]

    def run(self, **fields: Any) -> None:
        """Validate the fields and call the function with its adapters."""
        application, task = self.runtime.application, self.declared
        payload = application.submission.payload(task, fields)
        with (
            job_logging(
                job=self.request.id or "", task=task.name, attempt=1,
                tenant=tenant_of(payload), redactor=Redactor(private_values(payload)),
            ) as log,
            application.engine.adapters.container() as container,
        ):  # fmt: skip
            given = {
                wish.keyword: container.get(wish.protocol)
                for wish in task.wishes
                if wish.protocol in container or not wish.optional
            }
            if task.wants_job:
                given[task.wants_job] = self._context(log, tenant_of(payload))
            task.fn(payload, **given)

    def _context(self, log: Any, tenant: str | None) -> JobContext:
        job_id = str(self.request.id)
        now = self.runtime.application.database.clock.now()
        claim = Claim(
            id=job_id, token="", task=self.name, queue=self.declared.queue.name,
            tenant_id=tenant, payload="", attempt=1, max_attempts=1, crashes=0,
            scheduled_at=now, started_at=now, scheduled_for=None, schedule=None,
        )  # fmt: skip
        ports = RunPorts(self.runtime.application.engine, claim, LocalSlot(), None)
        return JobContext(
            id=job_id, task=self.name, attempt=1, tenant_id=tenant, scheduled_for=None,
            log=log, ports=ports,
        )  # fmt: skip
