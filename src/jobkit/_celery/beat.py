"""Beat on the job store: any number of them, and each due run happens once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from celery.beat import Scheduler

from jobkit._celery.doorbell import DOORBELL
from jobkit._celery.keeper import Keeper
from jobkit._celery.loop import Loop
from jobkit.errors import StoreUnavailable
from jobkit.logs import get_logger

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

_LONGEST_SLEEP = 1.0
logger = get_logger("jobkit.beat")


class StoreScheduler(Scheduler):
    """Turn due schedules into jobs; `celery beat` runs it, beside its own keeper.

    A due run is a unique row (schedule, run time) that is written with its job, so whichever beat
    comes first wins: see `jobkit.timetable`. Entries of Celery's own `beat_schedule` are not run:
    declare schedules on tasks.
    """

    def setup_schedule(self) -> None:
        """Begin: check the schema and start the keeper."""
        self._runtime: Runtime = self.app.tasks[DOORBELL].runtime
        runtime = self._runtime
        runtime.admit()
        if runtime.server is not None:
            runtime.server.ensure()
        runtime.application.start()
        self._ticker = runtime.application.schedules.ticker()
        self._keeper = Keeper(
            runtime.application.database, runtime.settings, uuid4().hex,
            runtime.application.engine.ring, runtime.queue_length,
            runtime.application.schedules.watch,
        )  # fmt: skip
        self._loop = Loop("keeper", runtime.settings.keeper_seconds, self._keep)
        self._loop.start()

    def tick(self, *_: Any, **__: Any) -> float:
        """Enqueue what is due; returns the seconds until the next look."""
        try:
            rest: float = self._ticker.tick()
        except StoreUnavailable as error:
            logger.warning("the job store is away", error=str(error))
            return _LONGEST_SLEEP
        return rest

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
