"""The application: what a host makes and owns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from jobkit.adapters.registry import AdapterRegistry
from jobkit.checks import Declared, Report, run_checks
from jobkit.clock import Clock
from jobkit.errors import EnqueueError, IllegalTransition, JobNotFound
from jobkit.execution import Engine, Hooks
from jobkit.handle import JobHandle, OpenTransaction
from jobkit.job import Job, JobState
from jobkit.payload import Payload
from jobkit.privacy import Cipher, has_private, holds_private, local_key, unseal, unseal_text
from jobkit.queues import Priority, Queue
from jobkit.settings import Settings
from jobkit.store import changing, enqueueing, reading
from jobkit.store.database import Database
from jobkit.store.enqueueing import NewJob, Placed
from jobkit.store.joining import HostTransactions
from jobkit.store.migrating import ensure_current
from jobkit.store.reading import JobFilter
from jobkit.submission import Submission
from jobkit.task import P, R, Task, TaskSet
from jobkit.tasklist import TaskList
from jobkit.timetable import Timetable

if TYPE_CHECKING:
    from celery import Celery
    from sqlalchemy import Connection

    from jobkit._celery.runtime import Runtime
    from jobkit.store.joining import AsyncHost, SyncHost


class Jobkit:
    """Join tasks, adapters and settings into an application.

    It freezes at its first enqueue or when a worker starts: `include`, `configure` and `bind`
    raise `ApplicationFrozen` from then on. With *celery*, jobkit is added to that Celery
    application instead of making its own. *ringer* takes the place of doorbells: it is called
    with a queue and a number, and nothing connects to a broker; tests use it.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        tasks: Iterable[TaskSet | Task[Any, Any]] = (),
        celery: Celery | None = None,
        clock: Clock | None = None,
        name: str = "jobkit",
        ringer: Callable[[str, int], None] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.name = name
        self.adapters = AdapterRegistry()
        self.clock = clock or Clock()
        self.hooks = Hooks()
        self.tasks = TaskList(tasks)
        self.database = Database(
            self.settings.store,
            clock=self.clock,
            pool_size=self.settings.store_pool_size,
            timeout=self.settings.store_timeout_seconds,
        )
        self._transactions = HostTransactions(self.database)
        self._host_celery = celery
        self._ringer = ringer
        self._frozen = False

    def include(self, item: TaskSet | Task[Any, Any]) -> None:
        """Add a task, or every task of a set."""
        self.tasks.include(item)

    def configure(self, name: str, **policy: Any) -> None:
        """Change the policy of one task: its queue, retry, limits, schedule, aliases."""
        self.tasks.configure(name, **policy)

    def check(self) -> Report:
        """Return every fault and warning of this application at once."""
        conf = self._host_celery.conf if self._host_celery is not None else None
        return run_checks(
            Declared(
                settings=self.settings,
                tasks=self.tasks.declared,
                adapters=self.adapters,
                schedules=self.schedules.declared(),
                celery_conf=conf,
            )
        )

    @cached_property
    def schedules(self) -> Timetable:
        """Return what runs by itself: to look at, to add to, to pause, to run."""
        return Timetable(self)

    def queues(self) -> list[str]:
        """Return the queues that this application's tasks use."""
        return sorted({task.queue.name for task in self.tasks})

    @overload
    def enqueue(
        self,
        task: Task[P, R],
        payload: P,
        /,
        *,
        scheduled_at: datetime | None = None,
        delay: float | timedelta | None = None,
        queue: str | Queue | None = None,
        priority: Priority | None = None,
        max_attempts: int | None = None,
        idempotency_key: str | None = None,
        connection: SyncHost | None = None,
    ) -> JobHandle[R]: ...

    @overload
    def enqueue(self, task: Task[P, R], /, **fields: Any) -> JobHandle[R]: ...

    @overload
    def enqueue(
        self, task: str, payload: Payload | Mapping[str, Any] | None = None, /, **fields: Any
    ) -> JobHandle[Any]: ...

    def enqueue(self, task: Any, payload: Any = None, /, **options: Any) -> JobHandle[Any]:
        """Store a job and ring for it.

        By a task and its payload, or by name and the payload's fields: both are validated alike.
        *scheduled_at* is an aware datetime, *delay* seconds or a timedelta. The job is safely
        stored when this returns; ringing happens behind the caller's back and never blocks.
        Of a job that is the same work as an earlier one, by its task's policy or by its
        *idempotency_key*, the earlier one's handle is returned, whose `duplicate` is true.

        With *connection*, a SQLAlchemy Connection or Session on the job store's own database, the
        job is part of its transaction: there once it is committed, and rung for then. Errors of
        that database come as SQLAlchemy raises them.

        Raises `UnknownTask`, `InvalidPayload`, `PayloadTooLarge`, `DuplicateJob`,
        `WrongDatabase`, `StoreUnavailable`.
        """
        return self._submit(task, [payload], options)[0]

    def enqueue_many(
        self,
        task: Task[P, R] | str,
        payloads: Iterable[P | Mapping[str, Any]],
        **options: Any,
    ) -> list[JobHandle[R]]:
        """Store one job a payload, all in one transaction, and ring as often as helps."""
        return self._submit(task, list(payloads), options)

    @overload
    async def aenqueue(
        self,
        task: Task[P, R],
        payload: P,
        /,
        *,
        scheduled_at: datetime | None = None,
        delay: float | timedelta | None = None,
        queue: str | Queue | None = None,
        priority: Priority | None = None,
        max_attempts: int | None = None,
        idempotency_key: str | None = None,
        connection: AsyncHost | None = None,
    ) -> JobHandle[R]: ...

    @overload
    async def aenqueue(self, task: Task[P, R], /, **fields: Any) -> JobHandle[R]: ...

    @overload
    async def aenqueue(
        self, task: str, payload: Payload | Mapping[str, Any] | None = None, /, **fields: Any
    ) -> JobHandle[Any]: ...

    async def aenqueue(self, task: Any, payload: Any = None, /, **options: Any) -> JobHandle[Any]:
        """Do what `enqueue` does without blocking the event loop.

        *connection* is an AsyncSession or an AsyncConnection here.
        """
        return await self._asubmit(task, payload, options)

    def get(self, job_id: str) -> JobHandle[Any]:
        """Return a hold on the job with this id, or with this Celery id if it came from outside.

        Raises `JobNotFound`.
        """
        job = self.look_up(job_id)
        return JobHandle(job.id, job.task, self)

    def find(
        self,
        where: JobFilter | None = None,
        *,
        limit: int = 50,
        after: str | None = None,
    ) -> list[Job]:
        """Return jobs, the newest first; pass the last one's id as *after* for the next page."""
        self.start()
        chosen = where or JobFilter()
        return self.database.fetch(
            lambda conn: reading.find(conn, chosen, limit=limit, after=after)
        )

    def look_up(self, job_id: str) -> Job:
        """Return the job as it stands. Raises `JobNotFound`."""
        self.start()
        job = self.database.fetch(lambda conn: reading.get(conn, job_id))
        if job is None:
            raise JobNotFound(f"no job has the id {job_id!r}; it may have been pruned")
        return job

    def result_of(self, job: Job) -> Any:
        """Return the result of a completed job, validated against its task's type."""
        if job.result is None:
            return None
        text = unseal_text(job.result, self.cipher)
        return self.tasks.find(job.task).results.validate_json(text)

    def cancel(self, job_id: str) -> JobState:
        """Cancel a job: at once while it waits, at its next safe point while it runs."""
        job = self.look_up(job_id)
        state = self.database.write(lambda conn: changing.cancel(conn, job.id, self.clock.now()))
        if state is None:
            raise JobNotFound(f"no job has the id {job_id!r}; it may have been pruned")
        return state

    def retry(self, job_id: str) -> None:
        """Make a dead or cancelled job available again, with a whole round of attempts."""
        job = self.look_up(job_id)
        changed = self.database.write(lambda conn: changing.retry(conn, job.id, self.clock.now()))
        if not changed:
            raise IllegalTransition(
                f"job {job.id} is {job.state}; only dead and cancelled jobs can be retried"
            )
        self.ring(job.queue)

    def ring(self, queue: str, times: int = 1) -> None:
        """Tell idle workers that *queue* has work; best effort, never blocks."""
        ring = self._ringer or self.runtime.ringer.ring
        ring(queue, times)

    def start(self) -> None:
        """Freeze the application and make sure that its store has the right schema.

        Called by itself at the first use. Raises `SchemaOutdated`.
        """
        if self._frozen:
            return
        self.tasks.freeze()
        self.adapters.freeze()
        ensure_current(self.database)
        self._frozen = True

    def close(self) -> None:
        """Ring what is still to be rung, and close the connections."""
        self._transactions.close()
        if "runtime" in self.__dict__:
            self.runtime.close()
        self.database.dispose()

    @cached_property
    def cipher(self) -> Cipher | None:
        """Return what encrypts private fields, or None where there is no key and no need."""
        keys = [key.get_secret_value() for key in self.settings.secret_keys]
        if not keys and self.settings.store_url is None:
            private = any(
                has_private(task.payload_type) or holds_private(task.result_type)
                for task in self.tasks
            )
            keys = [local_key(self.settings.data_dir)] if private else []
        return Cipher(keys) if keys else None

    @cached_property
    def submission(self) -> Submission:
        """Return what turns payloads into rows."""
        return Submission(self.tasks, self.settings, self.clock, self.cipher)

    @cached_property
    def engine(self) -> Engine:
        """Return what runs jobs in this process."""
        return Engine(
            database=self.database,
            settings=self.settings,
            tasks=self.tasks.with_aliases(),
            adapters=self.adapters,
            cipher=self.cipher,
            build=self.submission.build,
            ring=self.ring,
            hooks=self.hooks,
        )

    @cached_property
    def runtime(self) -> Runtime:
        """Return the engine room: Celery, and what rings."""
        from jobkit._celery.runtime import Runtime

        return Runtime(self, self._host_celery)

    @property
    def celery(self) -> Celery:
        """Return the Celery application, so that `celery -A myapp.jobs:celery worker` works."""
        return self.runtime.celery

    def _submit(
        self, task: Any, payloads: Sequence[Any], options: Mapping[str, Any]
    ) -> list[JobHandle[Any]]:
        if options.get("idempotency_key") is not None and len(payloads) > 1:
            raise EnqueueError("an idempotency key stands for one job; enqueue them one by one")
        rows = [self.submission.build(task, payload, options) for payload in payloads]
        found = self.tasks.find(task)
        connection = options.get("connection")
        if not found.durable:
            if connection is not None:
                raise EnqueueError(f"{found.name} is not durable and belongs to no transaction")
            if options.get("delay") is not None or options.get("scheduled_at") is not None:
                raise EnqueueError(
                    f"{found.name} is not durable and runs at once or not at all; declare it "
                    "durable to have it wait in the store"
                )
            return [self._send(found, row) for row in rows]
        self.start()
        now = self.clock.now()
        if connection is not None:
            return self._join(self._transactions.connection(connection), rows, now)
        placed = self.database.write(lambda conn: enqueueing.store(conn, rows, now))
        for queue, times in _due(placed).items():
            self.ring(queue, times)
        return [self._handle(row, one) for row, one in zip(rows, placed, strict=True)]

    async def _asubmit(self, task: Any, payload: Any, options: Mapping[str, Any]) -> JobHandle[Any]:
        connection = options.get("connection")
        if connection is None:
            return (await asyncio.to_thread(self._submit, task, [payload], options))[0]
        if not hasattr(connection, "run_sync"):
            raise EnqueueError(
                "aenqueue takes an AsyncSession or AsyncConnection; give a "
                f"{type(connection).__name__} to enqueue"
            )
        # What it needs beforehand must not hold up the event loop.
        await asyncio.to_thread(self.start)

        def join(host: Any) -> JobHandle[Any]:
            return self._submit(task, [payload], {**options, "connection": host})[0]

        handle: JobHandle[Any] = await connection.run_sync(join)
        return handle

    def _join(
        self, conn: Connection, rows: Sequence[NewJob], now: datetime
    ) -> list[JobHandle[Any]]:
        placed = enqueueing.store(conn, rows, now)
        transaction = self._transactions.ring_after(conn, _due(placed), self.ring)
        return [self._handle(row, one, transaction) for row, one in zip(rows, placed, strict=True)]

    def _handle(
        self, row: NewJob, placed: Placed, transaction: OpenTransaction | None = None
    ) -> JobHandle[Any]:
        return JobHandle(placed.id, row.task, self, placed.duplicate, transaction)

    def _send(self, task: Task[Any, Any], row: NewJob) -> JobHandle[Any]:
        payload = self.submission.payload(task, unseal(row.payload, self.cipher))
        return JobHandle(self.runtime.send(task, payload, row), task.name, self)


def _due(placed: Iterable[Placed]) -> Counter[str]:
    """Return for how many jobs each queue is to be rung."""
    return Counter(one.queue for one in placed if one.due)
