"""Where doorbells are answered: once in each child process, or in each thread."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

from billiard import current_process

from jobkit._celery.board import Board, ThreadBoard
from jobkit._celery.slots import SharedSlot, Slots
from jobkit.execution import Drain, Engine
from jobkit.execution.slot import Cause

STOP_SIGNAL = getattr(signal, "SIGUSR1", None)


_ASK_AGAIN = 0.05


_UNDISTURBED = ("jobkit.store.", "jobkit.execution.books", "jobkit.execution.values")


def _recording(frame: FrameType | None) -> bool:
    """Tell whether the job store, or what writes down what was done, is at work up the stack."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_UNDISTURBED):
            return True
        frame = frame.f_back
    return False


class SignalGuard:
    """Raise inside the task what the main process asks for, and only while the task runs."""

    def __init__(self, slot: SharedSlot) -> None:
        self._slot = slot
        self._armed = False
        self._before: Any = None
        self.answering = False
        """Whether a doorbell is being answered: else the signal is meant for a host's own task."""

    def install(self) -> None:
        """Take over the signal; in the main thread of a child."""
        if STOP_SIGNAL is not None:
            self._before = signal.signal(STOP_SIGNAL, self._on_signal)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Let the signal through for the stretch inside."""
        self._armed = True
        try:
            # A signal that came a moment too early was not heard; its cause is still there.
            cause = self._slot.cause()
            if cause is not Cause.NONE:
                raise cause.exception()
            yield
        finally:
            self._armed = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.answering and callable(self._before):
            self._before(number, frame)
        if not self._armed:
            return
        cause = self._slot.cause()
        if cause is Cause.NONE:
            return
        if _recording(frame):
            # An exception in the middle of a transaction would leave its connection and the
            # fork gate in disorder, and one before it an effect that was done as unknown. Ask
            # again when it is over.
            again = threading.Timer(_ASK_AGAIN, os.kill, (os.getpid(), STOP_SIGNAL))
            again.daemon = True
            again.start()
            return
        raise cause.exception()


class Station:
    """Answer doorbells for one worker."""

    def __init__(self, engine: Engine, worker: str, board: Board) -> None:
        self._engine = engine
        self._worker = worker
        self._board = board
        self._pid = os.getpid()
        self._local = threading.local()

    def answer(self, hint: str | None = None) -> int:
        """Run due jobs of this worker's queues; returns how many."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._local = threading.local()
        drain = getattr(self._local, "drain", None)
        if drain is None:
            drain = self._local.drain = self._settle_in()
        guard = getattr(self._local, "guard", None)
        if guard is None:
            return int(drain.answer(hint))
        guard.answering = True
        try:
            return int(drain.answer(hint))
        finally:
            guard.answering = False

    def _settle_in(self) -> Drain:
        """Take this process's or thread's place on the board."""
        common: dict[str, Any] = {"worker": self._worker, "queues": self._board.queues}
        if isinstance(self._board, Slots):
            slot = self._board.take(current_process().index)
            guard = self._local.guard = SignalGuard(slot)
            guard.install()
            return Drain(self._engine, slot=slot, guard=guard, **common)
        assert isinstance(self._board, ThreadBoard)
        return Drain(self._engine, slot=self._board.mine(), guard=nullcontext, alone=True, **common)
