"""What a running task is handed: its job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from jobkit.payload import Payload
    from jobkit.queues import Priority, Queue
    from jobkit.task import P, Task

T = TypeVar("T")


class JobPorts(Protocol):
    """Give a running job its connections to the engine; `execution` implements it."""

    def progress(self, done: int, of: int | None, note: str | None) -> None:
        """Show how far the job has come."""

    def cancelled(self) -> bool:
        """Tell whether somebody asked to cancel the job."""

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""

    def time_left(self) -> float | None:
        """Return the seconds until the time limit, or None without one."""

    def enqueue(self, task: Any, payload: Any, options: dict[str, Any]) -> Any:
        """Put a job aside for the transaction that records this job's outcome."""

    def check_cancelled(self) -> None:
        """Raise `Cancelled` or `TimeLimitReached` where one is due."""


@dataclass(frozen=True)
class JobContext:
    """Give a task what it needs to know of its job, and what it may do with it."""

    id: str
    task: str
    attempt: int
    """Which try this is; counts from 1."""

    tenant_id: str | None
    scheduled_for: datetime | None
    """The run time that a schedule meant, or None."""

    log: FilteringBoundLogger = field(repr=False, compare=False)
    ports: JobPorts = field(repr=False, compare=False)

    def progress(self, done: int, of: int | None = None, note: str | None = None) -> None:
        """Show that *done* of *of* steps are behind us; written at most once a second.

        Also a point where a cancelled job stops: raises `Cancelled`.
        """
        self.ports.check_cancelled()
        self.ports.progress(done, of, note)

    def track(
        self, items: Iterable[T], of: int | None = None, note: str | None = None
    ) -> Iterator[T]:
        """Pass *items* on and show progress by their number.

        *of* is their count, taken from `len(items)` where there is one. Raises `Cancelled` between
        two items.
        """
        if of is None and isinstance(items, Sized):
            of = len(items)
        self.progress(0, of, note)
        done = 0
        for done, item in enumerate(items, start=1):
            yield item
            self.progress(done, of, note)
        self.ports.progress(done, of if of is not None else done, note)

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if somebody cancelled this job."""
        self.ports.check_cancelled()

    @property
    def shutting_down(self) -> bool:
        """Tell whether the worker is stopping and would like this job to end soon."""
        return self.ports.stopping()

    def time_left(self) -> float | None:
        """Return the seconds until the soft time limit, or None without one."""
        return self.ports.time_left()

    @overload
    def enqueue(
        self,
        task: Task[P, Any],
        payload: P,
        /,
        *,
        scheduled_at: datetime | None = None,
        delay: float | timedelta | None = None,
        queue: str | Queue | None = None,
        priority: Priority | None = None,
        max_attempts: int | None = None,
        idempotency_key: str | None = None,
    ) -> None: ...

    @overload
    def enqueue(self, task: Task[Any, Any], /, **fields: Any) -> None: ...

    @overload
    def enqueue(
        self, task: str, payload: Payload | Mapping[str, Any] | None = None, /, **fields: Any
    ) -> None: ...

    def enqueue(self, task: Any, payload: Any = None, /, **options: Any) -> None:
        """Enqueue a follow-up job, written in the same transaction as this job's outcome.

        Nothing is enqueued when this attempt fails, and nothing where the same work is queued
        already. *task* and *payload* are those of `Jobkit.enqueue`.
        """
        self.ports.enqueue(task, payload, options)
