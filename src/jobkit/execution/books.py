"""The books of a running job, kept in the store: short transactions, fenced by its claim."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection

from jobkit.errors import ClaimLost, StoreUnavailable
from jobkit.execution.slot import Cause, Slot
from jobkit.logs import get_logger
from jobkit.store import effects, steps
from jobkit.store.claims import Claim
from jobkit.store.database import Database
from jobkit.store.effects import Effect, Settled
from jobkit.store.steps import Reached

logger = get_logger("jobkit.execution")


class StoredEffects:
    """Keep the effects of a claimed job. Raises `ClaimLost` when the claim is another's."""

    def __init__(self, database: Database, claim: Claim, slot: Slot) -> None:
        self._database = database
        self._claim = claim
        self._slot = slot

    def begin(self, key: str) -> Effect | None:
        """Write an intent, or return what is known of an earlier one."""
        claim, clock = self._claim, self._database.clock
        return self._database.write(
            lambda conn: effects.begin(
                conn, claim.id, claim.token, key, attempt=claim.attempt, now=clock.now()
            )
        )

    def settle(self, key: str, outcome: Settled, result: str | None) -> None:
        """Record how an effect ended."""
        claim, clock = self._claim, self._database.clock
        insist(
            self._database,
            self._slot,
            lambda conn: effects.settle(
                conn, claim.id, claim.token, key, outcome, result, clock.now()
            ),
        )

    def free(self, key: str) -> None:
        """Forget the intent of what did not happen."""
        claim = self._claim
        # Not held: the effect is then in the hands of another run.
        self._database.write(lambda conn: effects.free(conn, claim.id, claim.token, key))


class StoredSteps:
    """Keep the steps and cursors of a claimed job. Raises `ClaimLost` as `StoredEffects` does."""

    def __init__(self, database: Database, claim: Claim, slot: Slot) -> None:
        self._database = database
        self._claim = claim
        self._slot = slot

    def result(self, name: str) -> str | None:
        """Return the recorded result of a step."""
        return self._database.fetch(lambda conn: steps.result(conn, self._claim.id, name))

    def keep(self, name: str, result: str) -> None:
        """Record the result of a step."""
        claim, clock = self._claim, self._database.clock
        insist(
            self._database,
            self._slot,
            lambda conn: steps.keep(
                conn, claim.id, claim.token, name, result, attempt=claim.attempt, now=clock.now()
            ),
        )

    def reached(self, name: str) -> Reached | None:
        """Return how far a loop had come."""
        return self._database.fetch(lambda conn: steps.reached(conn, self._claim.id, name))

    def keep_cursor(self, name: str, done: int, cursor: str) -> bool:
        """Record how far a loop has come; False while the store is away, which is no hurry."""
        claim, clock = self._claim, self._database.clock
        try:
            held = self._database.write(
                lambda conn: steps.keep_cursor(
                    conn, claim.id, claim.token, name, done, cursor, clock.now()
                )
            )
        except StoreUnavailable:
            return False
        if not held:
            raise ClaimLost
        return True


def insist(database: Database, slot: Slot, record: Callable[[Connection], bool]) -> None:
    """Record what has been done through outages of the store, until the run has to stop.

    Raises `ClaimLost` where *record* finds that the job is another's, and `StoreUnavailable`.
    """
    pause = 0.1
    while True:
        try:
            if not database.write(record):
                raise ClaimLost
            return
        except StoreUnavailable:
            if slot.stopping() or slot.cause() is not Cause.NONE:
                raise
            logger.warning("the store is away; what was done waits to be recorded")
            time.sleep(pause)
            pause = min(5.0, pause * 2)
