"""Where jobkit enters Celery's worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import bootsteps, signals

from jobkit._celery import control  # noqa: F401 - registers the remote control commands
from jobkit._celery.adoption import Strategies, taker
from jobkit._celery.doorbell import DOORBELL
from jobkit._celery.profile import bell_queue
from jobkit._celery.services import Services
from jobkit._celery.stopping import StopSignals

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

_COLD_WAIT = 0.0


def _runtime(worker: Any) -> Runtime:
    runtime: Runtime = worker.app.tasks[DOORBELL].runtime
    return runtime


def _services(worker: Any) -> Services:
    services = _runtime(worker).services
    assert services is not None, "the frame makes them before any step starts"
    return services


class Frame(bootsteps.StartStopStep):
    """Enclose the pool: the board exists before a child is forked, and outlives the last one."""

    name = "jobkit.frame"

    def __init__(self, worker: Any, **options: Any) -> None:
        """Raise `ChecksFailed` for an application with faults, before anything is started."""
        runtime = _runtime(worker)
        runtime.admit()
        if runtime.adopts_host and worker.app.amqp.queues._consume_from is None:
            # A host's worker without -Q serves everything: our queues too.
            for queue in runtime.application.queues():
                worker.app.amqp.queues.select_add(bell_queue(queue))
        runtime.services = Services(runtime, worker)
        runtime.hostname = worker.hostname
        # Weakly referenced receivers of a step would be gone at once.
        signals.worker_shutting_down.connect(runtime.on_shutting_down, weak=False)
        super().__init__(worker, **options)

    def include(self, worker: Any) -> bool:
        """Come first, so that this step starts before the pool and stops after it."""
        worker.steps.insert(0, self)
        return True

    def start(self, worker: Any) -> None:
        """Prepare the store and the embedded server. Raises `SchemaOutdated`."""
        runtime = _runtime(worker)
        if runtime.server is not None:
            runtime.server.ensure()
        runtime.application.start()

    def stop(self, worker: Any) -> None:
        """Release what is left."""
        _services(worker).finish()

    terminate = stop


class Watch(bootsteps.StartStopStep):
    """Run the worker's services while its pool runs."""

    name = "jobkit.watch"
    requires = ("celery.worker.components:Pool",)

    def include(self, worker: Any) -> bool:
        """Be a step without an object of its own."""
        worker.steps.append(self)
        return True

    def start(self, worker: Any) -> None:
        """Begin to beat, watch, keep and adopt."""
        runtime = _runtime(worker)
        _services(worker).start()
        if runtime.takes_over:
            StopSignals(runtime, worker).install()

    def stop(self, worker: Any) -> None:
        """Let jobs end within the grace period; the pool's own stop waits for them."""
        _services(worker).wind_down(_runtime(worker).settings.grace_seconds)

    def terminate(self, worker: Any) -> None:
        """Interrupt jobs now: their attempts are given back."""
        _services(worker).wind_down(_COLD_WAIT)
        _services(worker).await_idle(2.0)


class Strangers(bootsteps.StartStopStep):
    """Keep messages for unknown tasks, in workers of jobkit's own Celery application."""

    name = "jobkit.strangers"

    def __init__(self, consumer: Any, **options: Any) -> None:
        runtime: Runtime = consumer.app.tasks[DOORBELL].runtime
        consumer.strategies = Strategies(consumer.strategies, taker(runtime.adopter, consumer))
        super().__init__(consumer, **options)


def add_steps(runtime: Runtime) -> None:
    """Add jobkit's steps to every worker of the Celery application."""
    runtime.celery.steps["worker"].update({Frame, Watch})
    if not runtime.adopts_host:
        runtime.celery.steps["consumer"].add(Strangers)
