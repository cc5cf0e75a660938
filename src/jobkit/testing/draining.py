"""Running what is enqueued, in this process, until nothing is left."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from jobkit.app import Jobkit
from jobkit.errors import Interrupted
from jobkit.execution import Drain, LifecycleEvent, LocalSlot
from jobkit.job import JobState
from jobkit.store import changing, claims, keeping, reading
from jobkit.store.reading import JobFilter

_WORKER = "jobkit.testing"
_BATCH = 500


@dataclass(frozen=True)
class Drained:
    """Count how the runs ended. A job that was tried three times counts three times."""

    completed: int = 0
    retryable: int = 0
    """Runs that failed and are worth another attempt."""

    snoozed: int = 0
    dead: int = 0
    cancelled: int = 0
    interrupted: int = 0
    superseded: int = 0
    errors: tuple[BaseException, ...] = field(default=(), compare=False)
    """What the tasks raised, in order: `raise drained.errors[0]` shows a traceback."""


def drain(
    jobs: Jobkit,
    queue: str | Collection[str] | None = None,
    *,
    with_scheduled: bool = False,
    with_retries: bool = False,
    limit: int = 1000,
) -> Drained:
    """Run the due jobs of one queue, of some, or of all, and those that they enqueue.

    *with_scheduled* runs jobs before their time, and *with_retries* those that failed until they
    are completed or dead; without them a test travels in time. Tasks run as in a worker, on the
    application's adapters: what they raise is recorded in the store and does not come out here.
    Raises `AssertionError` after *limit* runs, as when a job snoozes for ever.
    """
    jobs.start()
    seen = _Witness()
    choices = {JobState.SCHEDULED: with_scheduled, JobState.RETRYABLE: with_retries}
    early = [state for state, wanted in choices.items() if wanted]
    # Whoever hears a doorbell would take the jobs that are run here.
    engine = dataclasses.replace(jobs.engine, ring=lambda queue, times: None)
    slot = LocalSlot()
    queues: list[str] = []
    worker = Drain(
        engine,
        worker=_WORKER,
        queues=lambda: queues,
        slot=slot,
        guard=lambda: _let_leave(seen, slot),
        enough=lambda: seen.runs >= limit,
    )
    jobs.hooks.listeners.append(seen)
    try:
        while True:
            queues[:] = _chosen(jobs, queue)
            left = jobs.database.write(lambda conn: _make_ready(conn, jobs, queues, early))
            if not left:
                return seen.drained
            if seen.runs >= limit:
                raise AssertionError(
                    f"{limit} runs, and jobs are still waiting: {seen.drained}; does a task "
                    "snooze or enqueue itself for ever? Otherwise raise the limit"
                )
            worker.answer()
            if seen.leaving is not None:
                raise seen.leaving
    finally:
        jobs.hooks.listeners.remove(seen)


def _make_ready(
    conn: Connection, jobs: Jobkit, queues: Sequence[str], early: Collection[JobState]
) -> bool:
    """Stage what is due, and what shall run early; tell whether there is anything to run."""
    while sum(keeping.stage(conn, jobs.clock.now(), limit=_BATCH).values()) == _BATCH:
        pass
    if early:
        changing.hasten_all(conn, JobFilter(states=early, queues=queues), limit=_BATCH)
    return claims.remaining(conn, queues, jobs.engine.claimable)


def _chosen(jobs: Jobkit, queue: str | Collection[str] | None) -> list[str]:
    if isinstance(queue, str):
        return [queue]
    if queue is not None:
        return sorted(queue)
    # A job may have been sent to a queue that no task declares.
    with jobs.database.read() as conn:
        return sorted({*jobs.queues(), *reading.counts(conn)})


@dataclass(eq=False)
class _Witness:
    """Listen to what happens to the runs of one drain."""

    runs: int = 0
    leaving: BaseException | None = None
    """A request to leave that a task was hit by: Ctrl-C, or the test framework's own."""

    _ended: Counter[str] = field(default_factory=Counter)
    _errors: list[BaseException] = field(default_factory=list)

    def __call__(self, event: LifecycleEvent) -> None:
        if event.kind == "claimed":
            self.runs += 1
            return
        self._ended[event.kind] += 1
        if event.error is not None:
            self._errors.append(event.error)

    @property
    def drained(self) -> Drained:
        """Return the counts so far."""
        return Drained(**self._ended, errors=tuple(self._errors))


@contextmanager
def _let_leave(seen: _Witness, slot: LocalSlot) -> Iterator[None]:
    """End the drain when a task is hit by what no job may swallow."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, (Exception, Interrupted)):
            seen.leaving = error
            slot.stop = True
        raise
