"""What a running job's context does: progress, limits, follow-up jobs, and its ledger."""

from __future__ import annotations

import time
from typing import Any

from jobkit.errors import EnqueueError, PermanentError, StoreUnavailable
from jobkit.execution.books import StoredEffects, StoredSteps
from jobkit.execution.engine import Engine
from jobkit.execution.ledger import RunLedger
from jobkit.execution.slot import Cause, Slot
from jobkit.execution.values import Values
from jobkit.store import progress
from jobkit.store.claims import Claim
from jobkit.store.enqueueing import NewJob

PROGRESS_EVERY = 1.0
MOST_FOLLOW_UPS = 1_000


class RunPorts:
    """Connect one run's `JobContext` to the engine."""

    def __init__(self, engine: Engine, claim: Claim, slot: Slot, deadline: float | None) -> None:
        self._engine = engine
        self._claim = claim
        self._slot = slot
        self._deadline = deadline
        self._written_at = -PROGRESS_EVERY
        self.unwritten: tuple[int, int | None, str | None] | None = None
        self.follow_ups: list[NewJob] = []
        self.values = Values(engine.cipher, engine.settings.result_max_bytes)
        books = (engine.database, claim, slot)
        self._ledger = RunLedger(claim.id, StoredEffects(*books), StoredSteps(*books), self.values)

    @property
    def ledger(self) -> RunLedger:
        """Return the ledger of the job; a task that is not durable has none."""
        if not self._claim.token:
            raise PermanentError(
                f"{self._claim.task} is declared with durable=False and keeps no effects, steps "
                "or cursors: declare it durable"
            )
        return self._ledger

    def progress(self, done: int, of: int | None, note: str | None) -> None:
        """Write progress, at most once a second; the last goes along with the outcome."""
        self.unwritten = (done, of, note)
        if time.monotonic() - self._written_at < PROGRESS_EVERY:
            return
        self._written_at = time.monotonic()
        database = self._engine.database
        try:
            database.write(
                lambda conn: progress.write(
                    conn, self._claim.id, self._claim.token, done, of, note, database.clock.now()
                )
            )
        except StoreUnavailable:
            # Progress is a courtesy: a store that is away for a moment must not fail the job.
            return
        self.unwritten = None

    def check_cancelled(self) -> None:
        """Raise what the job is asked to stop by."""
        cause = self._slot.cause()
        if cause is not Cause.NONE:
            raise cause.exception()

    def cancelled(self) -> bool:
        """Tell whether somebody asked to cancel the job."""
        return self._slot.cause() is Cause.CANCEL

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""
        return self._slot.stopping()

    def time_left(self) -> float | None:
        """Return the seconds until the soft limit, or None."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def enqueue(self, task: Any, payload: Any, options: dict[str, Any]) -> None:
        """Put a follow-up job aside for the outcome's transaction."""
        if len(self.follow_ups) >= MOST_FOLLOW_UPS:
            raise PermanentError(
                f"one run may enqueue {MOST_FOLLOW_UPS} jobs with its outcome; split the work"
            )
        if options.pop("connection", None) is not None:
            raise EnqueueError(
                "job.enqueue writes with the job's own outcome and takes no connection; use "
                "Jobkit.enqueue for a transaction of yours"
            )
        self.follow_ups.append(self._engine.build(task, payload, options))
