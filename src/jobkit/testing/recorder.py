"""The other end of a `JobContext` in tests: it remembers what a task does with its job."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from jobkit.clock import Clock
from jobkit.errors import Cancelled, EnqueueError, InvalidPayload, TimeLimitReached
from jobkit.execution.ledger import RunLedger
from jobkit.execution.values import Values
from jobkit.job import Job
from jobkit.payload import Payload
from jobkit.settings import Settings
from jobkit.submission import Submission
from jobkit.task import OPTIONS, Task
from jobkit.tasklist import TaskList
from jobkit.testing.books import CIPHER, Books, MemoryEffects, MemorySteps


class Shown(NamedTuple):
    """Hold one call of `job.progress`."""

    done: int
    of: int | None
    note: str | None


@dataclass(frozen=True)
class Enqueued:
    """Show one job that was enqueued, with its payload as it was given."""

    task: str
    payload: Any
    """The task's `Payload`; a mapping where the task is not known."""

    options: Mapping[str, Any] = field(default_factory=dict)
    job: Job | None = None
    """Its job as it stands; None for a follow-up that a task run by `run_task` has put aside."""

    def __str__(self) -> str:
        # A payload shows its private values as [redacted]; of a mapping only the names are shown.
        known = isinstance(self.payload, Payload)
        given = repr(self.payload) if known else f"({', '.join(self.payload)})"
        if self.job is None:
            return f"{self.task} {given}"
        when = f", for {self.job.scheduled_at:%Y-%m-%d %H:%M:%S} UTC"
        later = self.job.scheduled_at > self.job.created_at
        return f"{self.task} {given}: {self.job.state} in {self.job.queue}{when if later else ''}"


@dataclass
class Recorder(Books):
    """Remember what a task does with its job, and stop it where a test wants it to stop.

    Passed to a second run it is the same job's: effects, steps and loops go on from what it holds.
    """

    cancel_after: int | None = None
    """How often the task may look before it finds that somebody has cancelled the job."""

    time_left: float | None = None
    """The seconds until the soft time limit. None: what the task declares."""

    shutting_down: bool = False
    progress: list[Shown] = field(default_factory=list)
    enqueued: list[Enqueued] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    """The lines of `job.log`, each with its `event`, its `level` and what was bound to it."""

    job_id: str = field(default_factory=lambda: str(uuid4()))


class RecordingPorts:
    """Connect a `JobContext` to a recorder instead of the engine."""

    def __init__(self, recorder: Recorder, limit: float | None, values: Values) -> None:
        self._recorder = recorder
        books = MemoryEffects(recorder), MemorySteps(recorder)
        # A cursor is stored at each item, as if the attempt failed there.
        self.ledger = RunLedger(recorder.job_id, *books, values, every=0)
        self._looks_left = recorder.cancel_after
        seconds = limit if recorder.time_left is None else recorder.time_left
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def progress(self, done: int, of: int | None, note: str | None) -> None:
        """Remember progress; all of it, where the engine writes once a second."""
        self._recorder.progress.append(Shown(done, of, note))

    def check_cancelled(self) -> None:
        """Raise what the job is asked to stop by."""
        if self._looks_left is not None:
            if self._looks_left <= 0:
                raise Cancelled()
            self._looks_left -= 1
        if self.time_left() == 0:
            raise TimeLimitReached()

    def cancelled(self) -> bool:
        """Tell whether somebody asked to cancel the job."""
        return self._looks_left is not None and self._looks_left <= 0

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""
        return self._recorder.shutting_down

    def time_left(self) -> float | None:
        """Return the seconds until the soft limit, or None."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def enqueue(self, task: Any, payload: Any, options: dict[str, Any]) -> None:
        """Remember a follow-up, validated as `Jobkit.enqueue` validates it.

        One by name is not: there is no application here to look its task up in.
        """
        if options.get("connection") is not None:
            raise EnqueueError("job.enqueue takes no connection")
        fields = {name: value for name, value in options.items() if name not in OPTIONS}
        chosen = {name: value for name, value in options.items() if name in OPTIONS}
        if isinstance(task, Task):
            builder = submission(task)
            builder.build(task, payload, options)
            given = builder.payload(task, fields if payload is None else payload)
            self._recorder.enqueued.append(Enqueued(task.name, given, chosen))
            return
        if payload is not None and fields:
            raise InvalidPayload(f"{task} was given a payload and fields; give one or the other")
        self._recorder.enqueued.append(
            Enqueued(task, fields if payload is None else payload, chosen)
        )


def submission(task: Task[Any, Any]) -> Submission:
    """Return what validates the payloads of one task without an application."""
    return Submission(TaskList([task]), Settings.model_construct(), Clock(), CIPHER)
