"""Tasks declared with `durable=False`: plain Celery tasks with jobkit's typing and injection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Task as CeleryTask

from jobkit.context import JobContext
from jobkit.execution import LocalSlot
from jobkit.execution.ports import RunPorts
from jobkit.logs import job_logging
from jobkit.privacy import Redactor, private_values
from jobkit.store import enqueueing
from jobkit.store.claims import Claim
from jobkit.store.enqueueing import NewJob
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
        ports = self._ports(tenant_of(payload))
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
                given[task.wants_job] = JobContext(
                    id=str(self.request.id), task=self.name, attempt=1,
                    tenant_id=tenant_of(payload), scheduled_for=None, log=log, ports=ports,
                )  # fmt: skip
            task.fn(payload, **given)
        self._store(ports.follow_ups)

    def _store(self, follow_ups: list[NewJob]) -> None:
        """Write the jobs that the task enqueued: they are durable, though it is not."""
        application = self.runtime.application
        if not follow_ups:
            return
        application.start()
        database = application.database
        database.write(lambda conn: enqueueing.insert(conn, follow_ups, database.clock.now()))
        for queue in {job.queue for job in follow_ups}:
            application.engine.ring(queue, 1)

    def _ports(self, tenant: str | None) -> RunPorts:
        now = self.runtime.application.database.clock.now()
        claim = Claim(
            id=str(self.request.id), token="", task=self.name, queue=self.declared.queue.name,
            tenant_id=tenant, payload="", attempt=1, max_attempts=1, crashes=0,
            scheduled_at=now, started_at=now, scheduled_for=None, schedule=None,
        )  # fmt: skip
        return RunPorts(self.runtime.application.engine, claim, LocalSlot(), None)
