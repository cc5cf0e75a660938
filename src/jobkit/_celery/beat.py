"""Beat on the job store: any number of them, and each due run happens once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from celery.beat import Scheduler

from jobkit._celery.doorbell import DOORBELL
from jobkit._celery.keeper import Keeper
from jobkit._celery.loop import Loop
from jobkit.errors import StoreUnavailable
from jobkit.logs import get_logger
from jobkit.store import scheduling

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

_LONGEST_SLEEP = 1.0
logger = get_logger("jobkit.beat")


class StoreScheduler(Scheduler):
    """Turn due schedules into jobs; `celery beat` runs it, beside its own keeper.

    A due run is a unique row (schedule, run time) that is written with its job, so whichever beat
    comes first wins. Entries of Celery's own `beat_schedule` are not run: declare schedules on
    tasks.
    """

    def setup_schedule(self) -> None:
        """Begin: check the schema and start the keeper."""
        self._runtime: Runtime = self.app.tasks[DOORBELL].runtime
        runtime = self._runtime
        runtime.admit()
        if runtime.server is not None:
            runtime.server.ensure()
        runtime.application.start()
        self._last: dict[str, datetime] = {}
        self._keeper = Keeper(
            runtime.application.database, runtime.settings, uuid4().hex,
            runtime.application.engine.ring, runtime.queue_length,
        )  # fmt: skip
        self._loop = Loop("keeper", runtime.settings.keeper_seconds, self._keep)
        self._loop.start()

    def tick(self, *_: Any, **__: Any) -> float:
        """Enqueue what is due; returns the seconds until the next look."""
        database = self._runtime.application.database
        now = database.clock.now()
        rest = _LONGEST_SLEEP
        for entry in self._runtime.application.schedules():
            try:
                following = self._serve(entry, now)
            except StoreUnavailable as error:
                logger.warning("the job store is away", error=str(error))
                return _LONGEST_SLEEP
            except Exception:
                # One schedule that cannot be served must not stop the others.
                logger.exception("a schedule could not be served", schedule=entry.name)
                continue
            rest = min(rest, (following - now).total_seconds())
        return max(0.0, rest)

    def close(self) -> None:
        """End the keeper and let another take over."""
        self._loop.stop()
        try:
            self._keeper.stop()
        except StoreUnavailable:
            logger.warning("the job store is away; the keeper's lease runs out by itself")
        self._runtime.application.database.dispose()

    @property
    def info(self) -> str:
        """Say what this is, for beat's banner."""
        return "    . schedules in the job store"

    def _keep(self) -> None:
        if self._runtime.server is not None:
            self._runtime.server.ensure()
        self._keeper.tick()

    def _serve(self, entry: Any, now: datetime) -> datetime:
        """Enqueue *entry* if it is due; returns its next run time."""
        last = self._last.get(entry.name) or self._recall(entry.name, now)
        due = entry.schedule.next_after(last)
        if due <= now:
            # Of several missed runs the latest is made up for.
            while (later := entry.schedule.next_after(due)) <= now:
                due = later
            self._enqueue(entry, due)
            last = due
        self._last[entry.name] = last
        following: datetime = entry.schedule.next_after(last)
        return following

    def _recall(self, name: str, now: datetime) -> datetime:
        database = self._runtime.application.database
        with database.read() as conn:
            last = scheduling.last_run(conn, name)
        if last is None:
            # New: nothing before this moment was ever due.
            database.write(lambda conn: scheduling.remember(conn, name, now, now))
        return last or now

    def _enqueue(self, entry: Any, due: datetime) -> None:
        application = self._runtime.application
        row = application.submission.build(entry.task_name, dict(entry.payload), {}, due)
        row = replace(row, schedule=entry.name)
        # After the row is made: its job is due now.
        now = application.database.clock.now()

        def write(conn: Any) -> bool:
            fresh = scheduling.due_run(conn, entry.name, due, row, now)
            if fresh:
                scheduling.remember(conn, entry.name, due, now)
            return fresh

        if application.database.write(write):
            logger.info("a schedule was due", schedule=entry.name, run_at=due.isoformat())
            application.engine.ring(row.queue, 1)
