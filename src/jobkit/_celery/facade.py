"""jobkit's tasks as Celery knows them: `celery.tasks["name"].delay(...)` goes through the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery import Task as CeleryTask
from celery.result import AsyncResult

from jobkit._celery.backend import StoreBackend
from jobkit.errors import InvalidPayload, UnsupportedByJobkit
from jobkit.queues import Priority
from jobkit.task import Task

if TYPE_CHECKING:
    from jobkit._celery.runtime import Application, Runtime

_CANVAS = ("link", "link_error", "chord", "group_id", "chain", "expires")


class JobResult(AsyncResult):
    """Be Celery's view of a job's result."""

    application: Application

    def revoke(self, *args: Any, **kwargs: Any) -> None:
        """Cancel the job. Celery's own revocation would forget it, and hit its retries too."""
        self.application.cancel(self.id)


class JobTask(CeleryTask):
    """Stand for a durable task: its calls enqueue jobs, its results come from the store."""

    abstract = True
    Strategy = "jobkit._celery.adoption:adopting_strategy"
    ignore_result = False
    runtime: Runtime
    declared: Task[Any, Any]

    @property
    def backend(self) -> StoreBackend:
        """Return the backend of our tasks alone; the application's own stays what it is."""
        return self.runtime.backend

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run the job here and now, as `task_always_eager` and `apply()` do."""
        raise UnsupportedByJobkit(
            f"{self.name} runs in a worker; in tests use jobkit.testing to run it in process"
        )

    def apply_async(
        self, args: Any = None, kwargs: Any = None, task_id: str | None = None, **options: Any
    ) -> JobResult:
        """Enqueue a job. `countdown` and `eta` set its time, `priority` and `queue` as named.

        Raises `UnsupportedByJobkit` for links, chords and groups.
        """
        if used := [name for name in _CANVAS if options.get(name)]:
            raise UnsupportedByJobkit(
                f"{self.name} is a job in the store and knows no {', '.join(used)}; use batches, "
                "`after=[...]` and job.enqueue instead"
            )
        if args:
            raise InvalidPayload(f"{self.name} takes its payload's fields as keywords")
        handle = self.runtime.application.enqueue(
            self.name, dict(kwargs or {}), **self._options(options)
        )
        return self.AsyncResult(handle.id)

    def AsyncResult(self, task_id: str, **kwargs: Any) -> JobResult:
        """Return the result of an earlier job."""
        result = JobResult(task_id, backend=self.backend, app=self.app, task_name=self.name)
        result.application = self.runtime.application
        return result

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if (countdown := given.get("countdown")) is not None:
            options["delay"] = timedelta(seconds=countdown)
        if (eta := given.get("eta")) is not None:
            moment = datetime.fromisoformat(eta) if isinstance(eta, str) else eta
            # Celery takes an eta without a zone to be in the application's.
            aware = moment if moment.tzinfo else moment.replace(tzinfo=self.app.timezone)
            options["scheduled_at"] = aware
        if given.get("queue"):
            options["queue"] = str(given["queue"])
        if isinstance(given.get("priority"), Priority):
            options["priority"] = given["priority"]
        return options


def add_facades(runtime: Runtime) -> None:
    """Register a Celery task for each of the application's tasks, by name and by alias."""
    from jobkit._celery.undurable import UndurableTask

    for name, task in runtime.application.tasks.with_aliases().items():
        base = JobTask if task.durable else UndurableTask
        kind = type(base.__name__, (base,), {"name": name, "__doc__": task.doc, "abstract": False})
        facade = runtime.celery.register_task(kind())
        facade.runtime = runtime
        facade.declared = task
