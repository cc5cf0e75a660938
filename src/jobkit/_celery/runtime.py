"""What joins an application and its Celery application."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from celery import Celery, signals
from kombu.exceptions import OperationalError

from jobkit._celery.adoption import Adopter
from jobkit._celery.backend import StoreBackend
from jobkit._celery.bells import BellSender, bells_waiting
from jobkit._celery.doorbell import Doorbell
from jobkit._celery.facade import add_facades
from jobkit._celery.profile import bell_queue, safe_profile
from jobkit._celery.ringer import Ringer
from jobkit._celery.steps import add_steps
from jobkit._celery.telling import tell_celery
from jobkit.embedded import EmbeddedServer
from jobkit.errors import BrokerUnavailable
from jobkit.execution import Engine, Hooks
from jobkit.logs import configure_logging, get_logger
from jobkit.payload import Payload
from jobkit.settings import Settings
from jobkit.store.database import Database
from jobkit.store.enqueueing import NewJob
from jobkit.submission import Submission
from jobkit.task import Task
from jobkit.tasklist import TaskList

if TYPE_CHECKING:
    from jobkit._celery.board import Board
    from jobkit._celery.services import Services
    from jobkit._celery.station import Station
    from jobkit.checks import Report
    from jobkit.handle import JobHandle
    from jobkit.job import Job

logger = get_logger("jobkit.checks")


class Application(Protocol):
    """Name what the engine room uses of `Jobkit`, which is above it."""

    name: str
    settings: Settings
    tasks: TaskList
    database: Database
    hooks: Hooks

    @property
    def engine(self) -> Engine:
        """Return what runs jobs in this process."""

    @property
    def submission(self) -> Submission:
        """Return what turns payloads into rows."""

    def start(self) -> None:
        """Freeze, and check the schema."""

    def check(self) -> Report:
        """Return every fault and warning."""

    def queues(self) -> list[str]:
        """Return the queues that tasks use."""

    @property
    def schedules(self) -> Any:
        """Return what runs by itself."""

    def enqueue(self, task: Any, payload: Any = None, /, **options: Any) -> JobHandle[Any]:
        """Store a job and ring."""

    def look_up(self, job_id: str) -> Job:
        """Return a job."""

    def cancel(self, job_id: str) -> Any:
        """Cancel a job."""

    def result_of(self, job: Job) -> Any:
        """Return a completed job's result."""


class Runtime:
    """Hold the Celery application and, in a worker, what runs beside it."""

    def __init__(self, application: Application, host: Celery | None = None) -> None:
        self.application = application
        self.settings = application.settings
        self.adopts_host = host is not None
        self.celery = host if host is not None else self._make()
        self._bells = BellSender(
            self.celery.connection_for_write, self.settings.broker_timeout_seconds
        )
        self.ringer = Ringer(self._bells)
        self.adopter = Adopter(application)
        self.backend = StoreBackend(self)
        self.services: Services | None = None
        self.hostname = ""
        self.quiet = False
        self.takes_over = False
        """Whether this process is a program of jobkit's, with its logs and its signals."""

        bell = self.celery.register_task(Doorbell())
        bell.runtime = self
        add_facades(self)
        add_steps(self)
        tell_celery(self)

    @property
    def board(self) -> Board | None:
        """Return what this worker runs; None outside workers."""
        return self.services.board if self.services else None

    @property
    def station(self) -> Station:
        """Return where this worker answers doorbells."""
        if self.services is None:
            raise RuntimeError("doorbells are answered in workers only")
        return self.services.station

    @cached_property
    def server(self) -> EmbeddedServer | None:
        """Return the embedded server, or None where a broker is set."""
        if self.settings.broker is not None or self.adopts_host:
            return None
        return EmbeddedServer(self.settings.data_dir / "server")

    def close(self) -> None:
        """Send the rings that are still wanted, and close our connections to the broker."""
        self.ringer.close()
        self._bells.close()
        if not self.adopts_host:
            self.celery.close()

    def queue_length(self, queue: str) -> int:
        """Return how many messages wait in the broker's queue; raises what the broker raises."""
        with self.celery.connection_for_write() as connection:
            return bells_waiting(connection, queue)

    def send(self, task: Task[Any, Any], payload: Payload, row: NewJob) -> str:
        """Send a task that is not durable straight to the broker; returns Celery's id.

        Raises `BrokerUnavailable`.
        """
        facade = self.celery.tasks[task.name]
        try:
            sent = facade.apply_async(
                kwargs=payload.model_dump(mode="json"), queue=row.queue, retry=False
            )
        except (OperationalError, OSError) as error:
            raise BrokerUnavailable(
                f"{task.name} is not durable and its broker does not answer: {type(error).__name__}"
            ) from None
        return str(sent.id)

    def admit(self) -> None:
        """Refuse to run an application that has faults, and log its warnings.

        Raises `ChecksFailed`.
        """
        report = self.application.check()
        report.raise_for_faults()
        for warning in report.warnings:
            logger.warning(warning.message, subject=warning.subject, rule=warning.rule)

    def take_over(self, log_level: str | None = None) -> None:
        """Make this process a program of jobkit's: set up its logs, and answer its signals.

        *log_level* replaces the settings'.
        """
        level = log_level or self.settings.log_level

        def set_up_logging(**_: Any) -> None:
            configure_logging(self.settings.log_format, level)

        if not self.takes_over:
            # A receiver of this signal keeps Celery from setting up logs of its own.
            signals.setup_logging.connect(set_up_logging, weak=False)
            self.takes_over = True
            set_up_logging()
            # Which plugins Alembic has is no news to anybody.
            logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)

    def know_queues(self, names: Iterable[str]) -> None:
        """Let workers of this process serve queues that none of the tasks names."""
        known = self.celery.amqp.queues
        for name in names:
            if name not in known:
                known.add(bell_queue(name))

    def on_shutting_down(self, how: str = "Warm", **_: Any) -> None:
        """Tell running jobs as soon as the worker is told to stop."""
        if self.services is not None:
            self.services.wind_down(self.settings.grace_seconds if how == "Warm" else 0.0)

    def _make(self) -> Celery:
        broker = self.settings.broker or (self.server.url if self.server else "")
        # Not the current application: a host may have a Celery of its own in this process.
        celery = Celery(
            self.application.name,
            set_as_current=False,
            loader="jobkit._celery.loader:JobkitLoader",
        )
        celery.conf.update(safe_profile(self.settings, broker, self.application.queues()))
        return celery
