"""How a worker is told to stop: first to finish, then to give its jobs back, or to be quiet."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from celery.platforms import EX_FAILURE
from celery.worker import state

from jobkit.logs import get_logger

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

logger = get_logger("jobkit.worker")


class StopSignals:
    """Answer the signals of one worker.

    SIGTERM, SIGHUP or Ctrl-C: it finishes what it runs, within the grace period. The same again, or
    SIGQUIT: it gives its jobs back now. SIGTSTP: it finishes what it runs, takes nothing new, and
    stays. In place of Celery's own handlers, which ignore a second SIGTERM, end in failure after
    Ctrl-C, and kill children before they could give their jobs back.
    """

    def __init__(self, runtime: Runtime, worker: Any) -> None:
        self._runtime = runtime
        self._worker = worker
        self._warm: Any = None
        self._asked = False

    def install(self) -> None:
        """Take over the signals, in the main thread, once Celery has installed its own."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._warm = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        if hasattr(signal, "SIGHUP"):
            # Celery would run its command line anew, which is the supervisor's business.
            signal.signal(signal.SIGHUP, self._on_stop)
        if hasattr(signal, "SIGQUIT"):
            signal.signal(signal.SIGQUIT, self._on_quit)
        if hasattr(signal, "SIGTSTP"):
            signal.signal(signal.SIGTSTP, self._on_quiet)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            self._on_quit(number, frame)
            return
        self._asked = True
        # Celery's, unless REMAP_SIGTERM made it the handler of SIGQUIT.
        self._warm(number, frame)

    def _on_quit(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        logger.warning("stopping now; running jobs are given back")
        self._runtime.on_shutting_down("Cold")
        state.should_terminate = EX_FAILURE

    def _on_quiet(self, number: int, frame: FrameType | None) -> None:
        go_quiet(self._runtime, self._worker.consumer)


def go_quiet(runtime: Runtime, consumer: Any) -> None:
    """Let a worker finish what it runs and take nothing new until it is started anew."""
    runtime.quiet = True
    if runtime.board is not None:
        runtime.board.set_queues([])
    logger.info("this worker is quiet: it finishes what it runs and takes nothing new")
    if consumer is None or consumer.task_consumer is None:
        return
    for queue in list(consumer.task_consumer.queues):
        # Not here and now: a signal may have come in the middle of a conversation with the broker.
        consumer.call_soon(consumer.cancel_task_queue, queue.name)
