"""How a run ended, and how that is written."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from jobkit.errors import Cancelled, Interrupted, TimeLimitReached, words_of
from jobkit.execution.hooks import Kind
from jobkit.privacy import Redactor
from jobkit.retry import GiveUp, Retry, decide
from jobkit.store import outcomes
from jobkit.store.claims import Claim
from jobkit.store.outcomes import NewFailure

MESSAGE_LIMIT = 4_000
TRACEBACK_LIMIT = 20_000
LONGEST_WAIT = 3650 * 86_400.0
"""What another side asks for may lie beyond the calendar."""


@dataclass(frozen=True)
class Outcome:
    """Say how a run ended and what follows."""

    kind: Kind
    result: str | None = None
    value: Any = None
    error: BaseException | None = None
    failure: NewFailure | None = None
    wait: float = 0.0
    reason: str | None = None
    wasted: bool = False
    """True when the attempt is given back: it does not count."""

    def write(self, conn: Connection, claim: Claim, now: datetime) -> bool:
        """Record this outcome; False when the run no longer holds its job."""
        run = (conn, claim.id, claim.token)
        match self.kind:
            case "completed":
                return outcomes.complete(*run, self.result, now)
            case "cancelled":
                return outcomes.cancel_run(*run, now)
            case "interrupted":
                return outcomes.release(*run, now, failure=self.failure)
            case "dead":
                assert self.failure is not None
                assert self.reason is not None
                return outcomes.bury(*run, reason=self.reason, failure=self.failure, now=now)
            case _:
                return outcomes.retry(
                    *run,
                    at=now + timedelta(seconds=min(self.wait, LONGEST_WAIT)),
                    counted=not self.wasted,
                    failure=self.failure,
                    now=now,
                )


def of_error(
    error: BaseException, claim: Claim, policy: Retry, redactor: Redactor, kind: str = "error"
) -> Outcome:
    """Decide the outcome of a run that raised *error*."""
    if isinstance(error, Interrupted):
        return Outcome("interrupted", error=error)
    if isinstance(error, TimeLimitReached):
        kind = "time_limit"
    failure = describe(error, claim, redactor, kind)
    # Crashes are counted apart: they never use up the attempts that a task's policy allows.
    attempt = max(1, claim.attempt - claim.crashes)
    verdict = decide(policy, error, attempt=attempt, max_attempts=claim.max_attempts)
    if isinstance(verdict, GiveUp):
        if isinstance(error, Cancelled):
            return Outcome("cancelled", error=error)
        return Outcome("dead", error=error, failure=failure, reason=verdict.reason)
    if not verdict.counted:
        return Outcome("snoozed", error=error, wait=verdict.seconds, wasted=True)
    return Outcome("retryable", error=error, failure=failure, wait=verdict.seconds)


def describe(error: BaseException, claim: Claim, redactor: Redactor, kind: str) -> NewFailure:
    """Describe *error* for the store: redacted, bounded, and without local variables."""
    text = "".join(traceback.format_exception(error)) if error.__traceback__ else None
    return NewFailure(
        attempt=claim.attempt,
        kind=kind,
        type=type(error).__name__,
        message=redactor.redact(words_of(error))[:MESSAGE_LIMIT],
        traceback=redactor.redact(text)[-TRACEBACK_LIMIT:] if text else None,
    )
