"""Working through a queue: claim, run, record, and again while there is work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime

from sqlalchemy import Connection

from jobkit.errors import StoreUnavailable, TransientError
from jobkit.execution.engine import Engine
from jobkit.execution.hooks import LifecycleEvent
from jobkit.execution.outcome import of_error
from jobkit.execution.ports import RunPorts
from jobkit.execution.run import Guard, Run, run
from jobkit.execution.slot import Cause, Slot
from jobkit.logs import get_logger
from jobkit.privacy import Redactor
from jobkit.store import claims, enqueueing, progress, steps
from jobkit.store.claims import Claim

logger = get_logger("jobkit.execution")


class Drain:
    """Run due jobs of some queues one after another.

    The outcome of a job and the claim of the next share one transaction: a durable commit a job.
    *queues* is asked before each claim, so that a worker told to leave a queue does.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker: str,
        queues: Callable[[], Sequence[str]],
        slot: Slot,
        guard: Guard = nullcontext,
        alone: bool = False,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine = engine
        self._worker = worker
        self._queues = queues
        self._slot = slot
        self._guard = guard
        self._alone = alone
        self._enough = enough
        self._names = engine.claimable

    def answer(self, hint: str | None = None) -> int:
        """Answer one doorbell; returns the number of jobs that were run."""
        settings = self._engine.settings
        until = time.monotonic() + settings.drain_seconds
        claim = self._first(hint)
        done = 0
        while claim is not None:
            done += 1
            more = (
                done < settings.drain_jobs
                and time.monotonic() < until
                and not (self._alone and self._engine.tasks[claim.task].time_limit)
            )
            claim = self._one(claim, more)
        if done and (queue := self._left_work()):
            self._engine.ring(queue, 1)
        return done

    def _first(self, hint: str | None) -> Claim | None:
        if self._slot.stopping() or not self._queues():
            return None
        found, more = self._engine.database.write(lambda conn: self._look(conn, hint))
        if found and more:
            # Somebody else may be idle: pass the word on before this job keeps us busy.
            self._engine.ring(found.queue, 1)
        return found

    def _look(self, conn: Connection, hint: str | None) -> tuple[Claim | None, bool]:
        claim = self._claim(conn, hint)
        more = claim is not None and claims.remaining(conn, [claim.queue], self._names)
        return claim, more

    def _claim(self, conn: Connection, hint: str | None = None) -> Claim | None:
        return claims.claim(
            conn, worker=self._worker, queues=self._queues(), tasks=self._names,
            now=self._engine.database.clock.now(), hint=hint,
        )  # fmt: skip

    def _one(self, claim: Claim, more: bool) -> Claim | None:
        """Run *claim*, record its outcome, and return the next claim if *more* are wanted."""
        tasks = self._engine.tasks
        tell = self._engine.hooks.tell
        # Before the hooks, which may take their time: what is in no slot counts as never begun.
        self._slot.begin(claim.id, claim.token, claim.task, None, None)
        tell(LifecycleEvent("claimed", claim, tasks.get(claim.task)))
        try:
            ran = run(self._engine, claim, self._slot, self._guard)
            held, following = self._settle(ran, more)
        except Exception as error:
            # Neither a task's error nor an outage. Left alone, the job would run again for ever.
            logger.exception("an outcome could not be recorded", job=claim.id)
            ran = self._unrecorded(claim, error)
            held, following = self._settle(ran, more=False)
        finally:
            self._slot.end()
        for queue in {job.queue for job in ran.ports.follow_ups} if held else ():
            self._engine.ring(queue, 1)
        kind = ran.outcome.kind if held else "superseded"
        if not held:
            logger.warning("this run had lost its job; its outcome is dropped", job=claim.id)
        tell(
            LifecycleEvent(
                kind,
                claim,
                ran.task,
                ran.payload,
                ran.outcome.value,
                ran.outcome.error,
                ran.seconds,
            )
        )
        return following

    def _settle(self, ran: Run, more: bool) -> tuple[bool, Claim | None]:
        def settle(conn: Connection) -> tuple[bool, Claim | None]:
            now = self._engine.database.clock.now()
            held = self._record(conn, ran, now)
            stop = not more or self._slot.stopping() or self._enough() or not self._queues()
            return held, None if stop else self._claim(conn)

        return self._insist(settle, ran.claim)

    def _unrecorded(self, claim: Claim, error: Exception) -> Run:
        """Return a failed attempt for one whose own outcome the store does not take."""
        task = self._engine.tasks[claim.task]
        # Its words may quote what nobody should read.
        told = TransientError(f"its outcome could not be recorded: {type(error).__name__}")
        outcome = of_error(told, claim, task.retry, Redactor(()))
        ports = RunPorts(self._engine, claim, self._slot, None)
        return Run(claim, task, None, outcome, ports, 0.0)

    def _record(self, conn: Connection, ran: Run, now: datetime) -> bool:
        claim, ports = ran.claim, ran.ports
        if ran.outcome.kind == "completed" and ports.unwritten:
            progress.write(conn, claim.id, claim.token, *ports.unwritten, now)
        if ran.outcome.kind != "completed":
            for loop in ports.ledger.unwritten():
                steps.keep_cursor(conn, claim.id, claim.token, *loop, now)
        if not ran.outcome.write(conn, claim, now):
            return False
        if ran.outcome.kind == "completed" and ports.follow_ups:
            # This job is done: a follow-up that is queued already must not undo that.
            enqueueing.store(conn, ports.follow_ups, now, lenient=True)
        return True

    def _insist(
        self,
        settle: Callable[[Connection], tuple[bool, Claim | None]],
        claim: Claim,
    ) -> tuple[bool, Claim | None]:
        """Record an outcome through outages of the store, until the grace period of a stop ends."""
        pause = 0.1
        while True:
            try:
                return self._engine.database.write(settle)
            except StoreUnavailable:
                if self._slot.cause() is Cause.INTERRUPT:
                    logger.error("the store is away; this outcome is lost", job=claim.id)
                    return False, None
                logger.warning("the store is away; its outcome waits", job=claim.id)
                time.sleep(pause)
                pause = min(5.0, pause * 2)

    def _left_work(self) -> str | None:
        """Return the queue whose work is left: those who serve it are the ones to tell."""
        queues = self._queues()
        if self._slot.stopping() or not queues:
            return None
        with self._engine.database.read() as conn:
            return claims.next_line(conn, queues, self._names)
