"""What `enqueue` returns: a hold on one job."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

from jobkit.errors import JobCancelled, JobDead, NotCommitted, ResultTimeout
from jobkit.job import Job, JobState, Progress

R_co = TypeVar("R_co", covariant=True)

_FIRST_LOOK = 0.01
_SLOWEST_LOOK = 0.5


class JobKeeper(Protocol):
    """Look after the job behind a handle; the application implements it."""

    def look_up(self, job_id: str) -> Job:
        """Return the job as it stands. Raises `JobNotFound`."""
        ...

    def result_of(self, job: Job) -> object:
        """Return the result of a completed job, validated against its task's type."""
        ...

    def cancel(self, job_id: str) -> JobState:
        """Cancel the job; returns the state it is in now."""
        ...

    def retry(self, job_id: str) -> None:
        """Make a dead or cancelled job available again."""
        ...


class OpenTransaction(Protocol):
    """Tell whether the host's transaction that a job was enqueued in is open; SQLAlchemy's does."""

    @property
    def is_active(self) -> bool:
        """Tell whether it has been neither committed nor rolled back."""
        ...


@dataclass(frozen=True)
class JobHandle(Generic[R_co]):
    """Hold one enqueued job; cheap, and good for as long as the store keeps the job."""

    id: str
    task: str
    keeper: JobKeeper = field(repr=False, compare=False)
    duplicate: bool = field(default=False, compare=False)
    """Whether `enqueue` found the same work queued already: this is the earlier job then."""

    transaction: OpenTransaction | None = field(default=None, repr=False, compare=False)

    def job(self) -> Job:
        """Return the job as it stands now. Raises `JobNotFound`, or `NotCommitted`."""
        self._expect_commit()
        return self.keeper.look_up(self.id)

    @property
    def state(self) -> JobState:
        """Return the state the job is in now."""
        return self.job().state

    @property
    def progress(self) -> Progress | None:
        """Return how far the job has come, where its task tells."""
        return self.job().progress

    def wait(self, timeout: float | None = None) -> Job:
        """Wait until the job has ended, for *timeout* seconds at most.

        Raises `ResultTimeout`, `StoreUnavailable` when the store does not answer, and
        `NotCommitted` at once while the transaction that it was enqueued in is open.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK
        while not (job := self.job()).state.ended:
            if ends is not None and time.monotonic() >= ends:
                raise ResultTimeout(_late(job, timeout))
            time.sleep(pause if ends is None else max(0.0, min(pause, ends - time.monotonic())))
            pause = min(_SLOWEST_LOOK, pause * 1.5)
        return job

    async def await_(self, timeout: float | None = None) -> Job:
        """Do what `wait` does without blocking the event loop."""
        ends = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK
        while not (job := await asyncio.to_thread(self.job)).state.ended:
            if ends is not None and time.monotonic() >= ends:
                raise ResultTimeout(_late(job, timeout))
            await asyncio.sleep(pause)
            pause = min(_SLOWEST_LOOK, pause * 1.5)
        return job

    def result(self, timeout: float | None = None) -> R_co:
        """Wait for the job and return what its task answered.

        Raises `JobDead` or `JobCancelled` when there is no answer, `ResultTimeout` when it is not
        there within *timeout* seconds.
        """
        return self._answer(self.wait(timeout))

    async def aresult(self, timeout: float | None = None) -> R_co:
        """Do what `result` does without blocking the event loop."""
        return self._answer(await self.await_(timeout))

    def cancel(self) -> JobState:
        """Cancel the job: at once while it waits, at its next safe point while it runs."""
        self._expect_commit()
        return self.keeper.cancel(self.id)

    def retry(self) -> None:
        """Make a dead or cancelled job available again. Raises `IllegalTransition` for others."""
        self._expect_commit()
        self.keeper.retry(self.id)

    def _expect_commit(self) -> None:
        if self.transaction is not None and self.transaction.is_active:
            raise NotCommitted(
                f"job {self.id} ({self.task}) belongs to a transaction that is still open: no "
                "worker can see it; commit first"
            )

    def _answer(self, job: Job) -> R_co:
        if job.state is JobState.DEAD:
            last = job.failures[-1] if job.failures else None
            told = f": {last.type}: {last.message}" if last else ""
            raise JobDead(f"job {job.id} ({job.task}) is dead ({job.reason}){told}")
        if job.state is JobState.CANCELLED:
            raise JobCancelled(f"job {job.id} ({job.task}) was cancelled")
        return cast(R_co, self.keeper.result_of(job))


def _late(job: Job, timeout: float | None) -> str:
    return f"job {job.id} ({job.task}) was still {job.state} after {timeout:g} s"
