"""The board of a worker without child processes: threads and solo."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

from jobkit._celery.slots import Seen, Slots
from jobkit.execution.slot import Cause, LocalSlot


class ThreadSlot(LocalSlot):
    """Be one thread's place on its worker's board."""

    def __init__(self, board: ThreadBoard, index: int) -> None:
        super().__init__()
        self.index = index
        self.since = 0.0
        self._board = board

    def begin(
        self, job: str, token: str, task: str, soft: float | None, hard: float | None
    ) -> None:
        """Announce a run."""
        self.since = time.monotonic()
        super().begin(job, token, task, soft, hard)

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""
        return self._board.stopping


class ThreadBoard:
    """Hold the slots of a worker whose jobs run in its own process.

    Nothing can be killed here: limits and cancellation are noticed when the task looks.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.events = False
        self._names: list[str] = []
        self._slots: dict[int, ThreadSlot] = {}
        self._lock = threading.Lock()

    def set_queues(self, queues: Sequence[str]) -> None:
        """Tell which queues may be claimed from."""
        self._names = list(queues)

    def queues(self) -> list[str]:
        """Return the queues that may be claimed from now."""
        return self._names

    def stop(self) -> None:
        """Ask everybody to leave after the present job."""
        self.stopping = True

    def mine(self) -> ThreadSlot:
        """Return the slot of the calling thread."""
        me = threading.get_ident()
        with self._lock:
            if me not in self._slots:
                self._slots[me] = ThreadSlot(self, len(self._slots))
            return self._slots[me]

    def look(self) -> list[Seen]:
        """Return what runs."""
        with self._lock:
            slots = list(self._slots.values())
        return [
            Seen(
                slot.index, os.getpid(), True, slot.requested, slot.since, None, None,
                job, token, slot.task,
            )
            for slot in slots
            if (job := slot.job) and (token := slot.token)
        ]  # fmt: skip

    def request(self, seen: Seen, cause: Cause) -> bool:
        """Ask a run to stop; False if it is over."""
        with self._lock:
            for slot in self._slots.values():
                if slot.token == seen.token:
                    slot.requested = cause
                    return True
        return False


Board = Slots | ThreadBoard
"""What a worker runs, by slots: of its child processes, or of its own threads."""
