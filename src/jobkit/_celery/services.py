"""What the main process of a worker does beside Celery."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from jobkit._celery.board import Board, ThreadBoard
from jobkit._celery.heart import Heart, worker_row
from jobkit._celery.keeper import Keeper
from jobkit._celery.loop import Loop
from jobkit._celery.slots import Slots
from jobkit._celery.station import Station
from jobkit._celery.warden import TICK, Warden
from jobkit.errors import ConfigurationError, StoreUnavailable
from jobkit.execution.slot import Cause
from jobkit.logs import get_logger

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

_SPARE_SLOTS = 64
_POOLS = {"prefork": "prefork", "thread": "threads", "solo": "solo"}
logger = get_logger("jobkit.worker")


class Services:
    """Hold the heart, the warden, the keeper and the adopter of one worker."""

    def __init__(self, runtime: Runtime, worker: Any) -> None:
        self._runtime = runtime
        self._worker = worker
        application = runtime.application
        settings = runtime.settings
        self.pool = pool_name(worker.pool_cls)
        self.board: Board = (
            # Autoscaling and replaced children may go beyond the number at the start.
            Slots(worker.concurrency + _SPARE_SLOTS) if self.pool == "prefork" else ThreadBoard()
        )
        # One for the heart, the warden, the keeper and the adopter, and one a thread with jobs.
        threads = worker.concurrency if self.pool == "threads" else 0
        application.database.make_room(threads + 4)
        self.id = uuid4().hex
        engine = application.engine
        database = application.database
        self.station = Station(engine, self.id, self.board)
        self.warden = Warden(engine, self.id, self.board)
        lease = settings.lease_seconds if self.pool == "prefork" else settings.thread_lease_seconds
        row = worker_row(
            self.id, worker.hostname, self.pool, worker.concurrency, database.clock.now()
        )
        self.heart = Heart(database, row, self.board, lease, lambda: runtime.quiet)
        self.keeper = Keeper(
            database,
            settings,
            self.id,
            application.engine.ring,
            runtime.queue_length,
            application.schedules.watch,
        )
        self._loops = [
            Loop("heart", settings.heartbeat_seconds, self._beat),
            Loop("warden", TICK, self._watch),
            Loop("keeper", settings.keeper_seconds, self._keep),
        ]
        self._started = False
        self._told: tuple[bool, tuple[str, ...]] | None = None

    def start(self) -> None:
        """Begin, once the children are forked."""
        self._follow_consumer()
        self.heart.register()
        self._runtime.adopter.start()
        for loop in self._loops:
            loop.start()
        self._started = True

    def wind_down(self, grace: float) -> None:
        """Take nothing new, and interrupt what still runs in *grace* seconds."""
        self.board.stop()
        at = time.monotonic() + grace
        self.warden.interrupt_at = min(at, self.warden.interrupt_at or at)

    def await_idle(self, timeout: float) -> None:
        """Wait until nothing runs, *timeout* seconds at most."""
        ends = time.monotonic() + timeout
        while time.monotonic() < ends and any(seen.active for seen in self.board.look()):
            time.sleep(TICK)

    def finish(self) -> None:
        """Release what is left and leave, once the children are gone."""
        if not self._started:
            return
        self._started = False
        for loop in self._loops:
            loop.stop()
        self._runtime.adopter.stop()
        try:
            self.warden.leave()
            self.keeper.stop()
            self.heart.stop()
        except StoreUnavailable:
            logger.warning("the store is away; another worker takes over when the lease ends")
        self._runtime.application.database.dispose()

    def _beat(self) -> None:
        self.heart.beat()

    def _keep(self) -> None:
        if self._runtime.server is not None:
            # Whoever started the embedded server may have gone, and taken it along.
            self._runtime.server.ensure()
        self.keeper.tick()

    def _watch(self) -> None:
        self._follow_consumer()
        self.warden.tick()
        serves = (self._runtime.quiet, tuple(self.board.queues()))
        if serves != self._told:
            # Others should know at once which queues this worker serves, or no longer.
            self.heart.beat()
            self._told = serves
        late = self.warden.interrupt_at
        if late is not None and time.monotonic() > late and isinstance(self.board, ThreadBoard):
            for seen in self.board.look():
                self.board.request(seen, Cause.INTERRUPT)

    def _follow_consumer(self) -> None:
        """Claim only from queues that this worker consumes at this moment."""
        consumer = getattr(self._worker.consumer, "task_consumer", None)
        if self._runtime.quiet:
            names: list[str] = []
        elif consumer is not None:
            names = [queue.name for queue in consumer.queues]
        else:
            return  # between two connections: what was true before still is
        if names != self.board.queues():
            self.board.set_queues(names)
        events = getattr(self._worker.consumer, "event_dispatcher", None)
        self.board.events = bool(events and events.enabled)


def pool_name(pool_class: Any) -> str:
    """Return jobkit's name of a Celery pool. Raises `ConfigurationError` for green ones."""
    module = pool_class.__module__.rpartition(".")[2]
    if module not in _POOLS:
        raise ConfigurationError(
            f"the pool {module!r} cannot run jobs: heartbeats, time limits and database drivers "
            "need real threads; use prefork, threads or solo"
        )
    return _POOLS[module]
