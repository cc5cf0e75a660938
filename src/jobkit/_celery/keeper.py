"""The keeper: stages due jobs, rescues lost ones, rings for unheard ones, prunes old ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobkit.logs import get_logger
from jobkit.settings import Settings
from jobkit.store import keeping, outcomes, retention, watching, workers
from jobkit.store.database import Database

LEASE = "keeper"
_LEASE_BEATS = 5
_PRUNE_EVERY = 600.0
_WATCH_EVERY = 5.0
_PRUNE_BATCH = 500
_STAGE_BATCH = 500
_LONGEST_REST = 15.0
logger = get_logger("jobkit.keeper")


@dataclass
class Patience:
    """Remember how often one queue was rung for without effect."""

    found: tuple[int, int] | None = None
    """How many jobs waited and how many hands were idle when it was last looked at."""

    rest: float = 0.0
    until: float = 0.0


@dataclass
class Keeper:
    """Keep one store in order. Every worker and beat has one; a lease lets one of them work."""

    database: Database
    settings: Settings
    holder: str
    ring: Callable[[str, int], None]
    queue_length: Callable[[str], int]
    watch: Callable[[], object] = lambda: None
    """Looks for scheduled runs that are missing."""

    _leased_until: float = 0.0
    _watched_at: float = 0.0
    _pruned_at: float = field(default_factory=time.monotonic)
    _patience: dict[str, Patience] = field(default_factory=dict)

    def tick(self) -> None:
        """Do one turn, if this keeper holds the lease or can take it."""
        if not self._hold():
            return
        now = self.database.clock.now()
        # One statement tells whether there is anything to do: an idle system stays quiet.
        with self.database.read() as conn:
            glance = watching.glance(conn, now)
        if glance.lost:
            self._rescue()
        if glance.due:
            self._stage(now)
        if glance.due or glance.lost or glance.available:
            self._ring_for_unheard()
        else:
            self._patience.clear()
        self._prune()
        self._watch()

    def stop(self) -> None:
        """Give up the lease, so that another keeper takes over at once."""
        if self._leased_until:
            self.database.write(lambda conn: keeping.drop_lease(conn, LEASE, self.holder))

    def _hold(self) -> bool:
        """Tell whether the lease is ours; asked of the store when half of it has passed."""
        length = self.settings.keeper_seconds * _LEASE_BEATS
        if time.monotonic() < self._leased_until - length / 2:
            return True
        asked_at = time.monotonic()
        now = self.database.clock.now()
        held = self.database.write(
            lambda conn: keeping.take_lease(conn, LEASE, self.holder, now, length)
        )
        self._leased_until = asked_at + length if held else 0.0
        return held

    def _stage(self, now: datetime) -> None:
        """Stage what is due, batch by batch, for as long as a turn may take."""
        ends = time.monotonic() + self.settings.keeper_seconds
        while time.monotonic() < ends:
            staged = self.database.write(lambda conn: keeping.stage(conn, now, _STAGE_BATCH))
            if sum(staged.values()) < _STAGE_BATCH:
                return

    def _rescue(self) -> None:
        now = self.database.clock.now()
        rescued = self.database.write(
            lambda conn: outcomes.rescue(conn, max_crashes=self.settings.max_crashes, now=now)
        )
        for job, state in rescued:
            logger.warning("rescued a job from a worker that went silent", job=job, state=state)
        self.database.write(lambda conn: workers.sweep(conn, now))

    def _ring_for_unheard(self) -> None:
        now = self.database.clock.now()
        with self.database.read() as conn:
            living = [row for row in workers.living(conn, now) if not row.quiet]
            served = sorted({queue for row in living for queue in row.queues})
            waiting = keeping.waiting(conn, served)
        for queue, count in waiting.items():
            idle = sum(max(0, row.concurrency - row.busy) for row in living if queue in row.queues)
            if count and idle:
                self._ring(queue, count, idle)

    def _ring(self, queue: str, count: int, idle: int) -> None:
        patience = self._patience.setdefault(queue, Patience())
        if patience.found != (count, idle):
            # Something moves: what was rung for before has been heard.
            patience.found = (count, idle)
            patience.rest = 0.0
        elif time.monotonic() < patience.until:
            return
        wanted = min(count, idle, 16)
        try:
            wanted -= self.queue_length(queue)
        except Exception as error:
            logger.warning("the broker does not answer", error=type(error).__name__)
            return
        if wanted > 0:
            self.ring(queue, wanted)
        patience.rest = min(_LONGEST_REST, patience.rest * 2 or self.settings.keeper_seconds)
        patience.until = time.monotonic() + patience.rest

    def _watch(self) -> None:
        if time.monotonic() - self._watched_at >= _WATCH_EVERY:
            self._watched_at = time.monotonic()
            self.watch()

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < _PRUNE_EVERY:
            return
        now = self.database.clock.now()
        keep = self.settings
        pruned = self.database.write(
            lambda conn: retention.prune(
                conn,
                completed_before=now - timedelta(days=keep.keep_completed_days),
                cancelled_before=now - timedelta(days=keep.keep_cancelled_days),
                dead_before=now - timedelta(days=keep.keep_dead_days),
                now=now,
                limit=_PRUNE_BATCH,
            )
        )
        # A full batch means that there is more: go on at the next turn.
        if pruned < _PRUNE_BATCH:
            self._pruned_at = time.monotonic()
