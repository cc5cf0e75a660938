"""The warden: watches over the runs of one worker from its main process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from jobkit._celery.board import Board
from jobkit._celery.slots import Seen, Slots
from jobkit._celery.station import STOP_SIGNAL
from jobkit.errors import StoreUnavailable, TimeLimitReached
from jobkit.execution import Engine, LifecycleEvent
from jobkit.execution.outcome import of_error
from jobkit.execution.slot import Cause
from jobkit.job import JobState
from jobkit.logs import get_logger
from jobkit.privacy import Redactor
from jobkit.store import outcomes, reading, watching
from jobkit.store.claims import Claim
from jobkit.store.outcomes import NewFailure

TICK = 0.1
_ASK_EVERY = 1.0
_ORPHANS_EVERY = 10.0
_ORPHANED_AFTER = 30.0
_LAST_WORDS = 5.0
logger = get_logger("jobkit.warden")


class Warden:
    """Enforce time limits, pass on cancellations, and release the jobs of children that died."""

    def __init__(self, engine: Engine, worker: str, board: Board) -> None:
        self._engine = engine
        self._worker = worker
        self._board = board
        self._unwritten: list[Callable[[], None]] = []
        self._asked_at = 0.0
        self._counted_at = time.monotonic()
        self._signalled: dict[str, float] = {}
        self.interrupt_at: float | None = None
        """When running jobs are interrupted for a shutdown; a reading of `time.monotonic()`."""

    def tick(self) -> None:
        """Look once over everything that runs."""
        seen = self._board.look()
        self._signalled = {
            token: at
            for token, at in self._signalled.items()
            if any(s.token == token for s in seen)
        }
        if isinstance(self._board, Slots):
            for one in seen:
                self._watch_child(one, self._board)
        self._ask_store([one for one in seen if one.active])
        self._write()

    def _watch_child(self, seen: Seen, slots: Slots) -> None:
        now = time.monotonic()
        if not _lives(seen.pid):
            # It may have begun another run since it was looked at; now it writes no more.
            seen = next((one for one in slots.look() if one.index == seen.index), seen)
            if seen.active:
                logger.warning("a child died with its job", job=seen.job, pid=seen.pid)
                # While the worker stops it is the worker that ends its children, not the job.
                ended = self._interrupted if slots.stopping else self._lost
                self._unwritten.append(lambda: ended(seen))
            slots.clear(seen)
        elif not seen.active:
            return
        elif seen.hard is not None and now > seen.hard:
            self._kill(seen, slots, lambda: self._over_limit(seen))
        elif self.interrupt_at is not None and now > self.interrupt_at + _LAST_WORDS:
            self._kill(seen, slots, lambda: self._interrupted(seen))
        elif self.interrupt_at is not None and now > self.interrupt_at:
            self._stop_run(seen, Cause.INTERRUPT)
        elif seen.cause is Cause.CANCEL:
            self._stop_run(seen, Cause.CANCEL)
        elif seen.soft is not None and now > seen.soft and seen.cause is Cause.NONE:
            self._stop_run(seen, Cause.SOFT_LIMIT)

    def _stop_run(self, seen: Seen, cause: Cause) -> None:
        """Send the signal; again every second, except for a soft limit, which is told once."""
        now = time.monotonic()
        if now - self._signalled.get(seen.token, 0.0) < _ASK_EVERY:
            return
        if not self._board.request(seen, cause):
            return
        self._signalled[seen.token] = now
        # Threads have no process of their own to be sent a signal: they look.
        if isinstance(self._board, Slots) and STOP_SIGNAL is not None:
            _send(seen.pid, STOP_SIGNAL)

    def _kill(self, seen: Seen, slots: Slots, then: Callable[[], None]) -> None:
        current = next((one for one in slots.look() if one.index == seen.index), None)
        if current is None or current.token != seen.token or not current.active:
            return
        logger.warning("killing a child for its job", job=seen.job, pid=seen.pid)
        _send(seen.pid, signal.SIGKILL)
        slots.clear(seen)
        self._unwritten.append(then)

    def _ask_store(self, active: list[Seen]) -> None:
        """Fetch cancellations, and now and then compare the store's view with the board's."""
        now = time.monotonic()
        count = now - self._counted_at > _ORPHANS_EVERY
        if not (count or (active and now - self._asked_at > _ASK_EVERY)):
            return
        self._asked_at = now
        with self._engine.database.read() as conn:
            held = watching.held_by(conn, self._worker)
        tokens = {job.token for job in held}
        for one in active:
            if one.token not in tokens and one.since < now - _ASK_EVERY:
                # Rescued while this worker stood still: another runs it, so this run may stop.
                self._stop_run(one, Cause.INTERRUPT)
        by_token = {seen.token: seen for seen in active}
        for job in held:
            if job.cancel_requested and (seen := by_token.get(job.token)):
                self._board.request(seen, Cause.CANCEL)
        if count:
            self._counted_at = now
            self._release_orphans([job for job in held if job.token not in by_token])

    def _release_orphans(self, unseen: list[watching.Held]) -> None:
        """Release jobs that this worker claimed but does not run.

        A claim may be committed while its answer is lost with the connection.
        """
        clock = self._engine.database.clock
        for job in unseen:
            if (clock.now() - job.started_at).total_seconds() > _ORPHANED_AFTER:
                logger.warning("a claimed job was never begun; it is released", job=job.id)
                self._release(job.id, job.token)

    def _write(self) -> None:
        """Record what happened; what the store cannot take now stays for the next turn."""
        while self._unwritten:
            try:
                self._unwritten[0]()
            except StoreUnavailable:
                raise
            except Exception:
                # The others must not wait behind it; its job is released as one never begun.
                logger.exception("what became of a job could not be recorded")
            self._unwritten.pop(0)

    def leave(self) -> None:
        """Give back every job that this worker still holds, once its children are gone.

        A child may have been stopped between a claim and its run: no slot tells of that.
        """
        self.tick()
        if isinstance(self._board, Slots):
            with self._engine.database.read() as conn:
                held = watching.held_by(conn, self._worker)
            for job in held:
                self._release(job.id, job.token)

    def _lost(self, seen: Seen) -> None:
        def write(conn: Connection) -> JobState | None:
            job = reading.get(conn, seen.job)
            failure = NewFailure(
                attempt=job.attempt if job else 1, kind="crash", type="WorkerLost",
                message=f"the process {seen.pid} that ran it died", traceback=None,
            )  # fmt: skip
            return outcomes.lost(
                conn, seen.job, seen.token, max_crashes=self._engine.settings.max_crashes,
                failure=failure, now=self._engine.database.clock.now(),
            )  # fmt: skip

        state = self._engine.database.write(write)
        if state is JobState.AVAILABLE:
            self._ring_for(seen.job)

    def _interrupted(self, seen: Seen) -> None:
        self._release(seen.job, seen.token)

    def _release(self, job: str, token: str) -> None:
        clock = self._engine.database.clock
        self._engine.database.write(lambda conn: outcomes.release(conn, job, token, clock.now()))

    def _over_limit(self, seen: Seen) -> None:
        with self._engine.database.read() as conn:
            job = reading.get(conn, seen.job)
        task = self._engine.tasks.get(job.task) if job else None
        if job is None or task is None:
            return self._interrupted(seen)
        claim = Claim(
            id=job.id, token=seen.token, task=job.task, queue=job.queue, tenant_id=job.tenant_id,
            payload="", attempt=job.attempt, max_attempts=job.max_attempts, crashes=job.crashes,
            scheduled_at=job.scheduled_at, started_at=job.started_at or job.created_at,
            scheduled_for=None, schedule=job.schedule,
        )  # fmt: skip
        error = TimeLimitReached(f"ended by force after its time limit of {task.time_limit:g} s")
        outcome = of_error(error, claim, task.retry, Redactor(()))
        now = self._engine.database.clock.now()
        held = self._engine.database.write(lambda conn: outcome.write(conn, claim, now))
        if held:
            self._engine.hooks.tell(LifecycleEvent(outcome.kind, claim, task, error=error))

    def _ring_for(self, job_id: str) -> None:
        with self._engine.database.read() as conn:
            job = reading.get(conn, job_id)
        if job is not None:
            self._engine.ring(job.queue, 1)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself a moment ago


def _lives(pid: int) -> bool:
    """Tell whether a process runs; one that is dead but not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")
