"""What a running task is handed: its job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast, overload

from jobkit.effects import Ask, Policy

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from jobkit.payload import Payload
    from jobkit.queues import Priority, Queue
    from jobkit.task import P, Task

T = TypeVar("T")
C = TypeVar("C")


class Ledger(Protocol):
    """Keep what the next attempt must know: effects, steps, cursors of loops."""

    def once(self, key: str, fn: Callable[..., Any], policy: Policy, type: Any) -> Any:
        """Do an effect unless it was done."""

    def step(self, name: str, fn: Callable[[], Any], type: Any) -> Any:
        """Return the recorded result of a step, or take it and record it."""

    def resume(self, name: str) -> tuple[int, Any]:
        """Return how many items of a loop are done, and the cursor of the last or None."""
        ...

    def reached(self, name: str, done: int, cursor: Any, *, ended: bool = False) -> None:
        """Note that a loop has come so far."""


class JobPorts(Protocol):
    """Give a running job its connections to the engine; `execution` implements it."""

    @property
    def ledger(self) -> Ledger:
        """Return what is kept for the next attempt."""
        ...

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

    @overload
    def track(
        self, items: Iterable[T], of: int | None = None, note: str | None = None
    ) -> Iterator[T]: ...

    @overload
    def track(
        self,
        items: Callable[[C | None], Iterable[T]],
        of: int | None = None,
        note: str | None = None,
        *,
        cursor: Callable[[T], C],
        name: str = "items",
    ) -> Iterator[T]: ...

    def track(
        self,
        items: Any,
        of: int | None = None,
        note: str | None = None,
        *,
        cursor: Callable[[Any], Any] | None = None,
        name: str = "items",
    ) -> Iterator[Any]:
        """Pass *items* on and show progress by their number.

        *of* is their count, taken from `len(items)` where there is one. Raises `Cancelled` between
        two items.

        With *cursor*, a function that returns where an item stands (plain JSON, never None), a
        later attempt goes on after the last item: *items* is then a function that is given that
        item's cursor, or None at first, and returns the items after it. The cursor is stored once a
        second, when an attempt fails or is interrupted, and at the end of the loop; after a crash
        the items since then come again. *name* tells several such loops of a task apart.
        """
        if cursor is not None:
            return self._resumed(items, of, note, cursor, name)
        return self._tracked(items, of, note)

    def _tracked(self, items: Iterable[T], of: int | None, note: str | None) -> Iterator[T]:
        if of is None and isinstance(items, Sized):
            of = len(items)
        self.progress(0, of, note)
        done = 0
        for done, item in enumerate(items, start=1):
            yield item
            self.progress(done, of, note)
        self.ports.progress(done, of if of is not None else done, note)

    def _resumed(
        self,
        items: Callable[[C | None], Iterable[T]],
        of: int | None,
        note: str | None,
        cursor: Callable[[T], C],
        name: str,
    ) -> Iterator[T]:
        if not callable(items):
            raise TypeError("with cursor=, items is a function of the last cursor, or None")
        ledger = self.ports.ledger
        before, at = ledger.resume(name)
        self.progress(before, of, note)
        done = before
        for done, item in enumerate(items(at), start=before + 1):
            yield item
            at = cursor(item)
            # Before progress, which may raise: this item is behind us.
            ledger.reached(name, done, at)
            self.progress(done, of, note)
        if done > before:
            ledger.reached(name, done, at, ended=True)
        self.ports.progress(done, of if of is not None else done, note)

    def step(self, name: str, fn: Callable[[], T], *, type: Any = None) -> T:
        """Call *fn* and record what it returns, for this attempt and the later ones.

        A later attempt gets the recorded value, and *fn* is not called. *type* says what *fn*
        returns where that is not plain JSON: a model, `list[Line]`, `Secret[str]`. Also a point
        where a cancelled job stops. Raises `DuplicateStep` for a name that this attempt has used,
        and `ResultInvalid` for a value that cannot be stored or is over `result_max_bytes`.
        """
        self.ports.check_cancelled()
        return cast(T, self.ports.ledger.step(name, fn, type))

    @overload
    def once(
        self, key: str, fn: Callable[[], T], *, policy: Literal["skip"], type: Any = None
    ) -> T | None: ...

    @overload
    def once(
        self, key: str, fn: Callable[[str], T], *, policy: Literal["skip"], type: Any = None
    ) -> T | None: ...

    @overload
    def once(
        self, key: str, fn: Callable[[], T], *, policy: Literal["retry"] | Ask, type: Any = None
    ) -> T: ...

    @overload
    def once(
        self, key: str, fn: Callable[[str], T], *, policy: Literal["retry"] | Ask, type: Any = None
    ) -> T: ...

    def once(self, key: str, fn: Callable[..., Any], *, policy: Policy, type: Any = None) -> Any:
        """Have an effect by calling *fn*, unless this job had it before; return its answer.

        The intent is written before and the answer after. After a crash or an error between the two
        nobody knows whether the effect happened, and *policy* says what the next attempt does:
        `"retry"` does it again, `"skip"` leaves it and returns None, `ask(check)` asks the outside.
        If *fn* takes an argument it is handed an idempotency key for the outside, the same in every
        attempt. *fn* raises `DidNotHappen` where it is certain of that. *type* is that of `step`.
        """
        self.ports.check_cancelled()
        return self.ports.ledger.once(key, fn, policy, type)

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
