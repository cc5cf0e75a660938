"""Ringing: doorbells on their way to the broker, behind the caller's back."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable

from jobkit.logs import get_logger

MOST_AT_ONCE = 16
"""Doorbells for one call, however many jobs it stored: workers pass the word on."""

_FIRST_REST = 0.5
_LONGEST_REST = 15.0
logger = get_logger("jobkit.ringer")


class Ringer:
    """Send doorbells from a thread of its own.

    Rings that come in while one is on its way are joined. When the broker does not answer, the
    breaker opens and rings are dropped for a while: the keeper rings again for whatever waits.
    """

    def __init__(self, send: Callable[[str, int], None]) -> None:
        self._send = send
        self._reset()
        _ringers.add(self)

    def _reset(self) -> None:
        self._wanted: dict[str, int] = {}
        self._busy = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._closed = False
        self._rest = 0.0
        self._resting_until = 0.0

    def ring(self, queue: str, times: int = 1) -> None:
        """Ask for doorbells; returns at once."""
        if self._pid != os.getpid():
            # After a fork the thread is gone and the locks may be held by nobody.
            self._reset()
        with self._changed:
            self._wanted[queue] = min(MOST_AT_ONCE, self._wanted.get(queue, 0) + times)
            self._changed.notify_all()
            if self._thread is None or not self._thread.is_alive():
                self._closed = False
                self._thread = threading.Thread(target=self._run, name="jobkit-ringer", daemon=True)
                self._thread.start()

    @property
    def open(self) -> bool:
        """Tell whether the breaker is open: the broker did not answer a moment ago."""
        return time.monotonic() < self._resting_until

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until all rings are out, *timeout* seconds at most."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (not self._wanted and not self._busy) or self.open, timeout
            )

    def close(self, timeout: float = 1.0) -> None:
        """Send what is wanted and end the thread."""
        if self._pid != os.getpid() or self._thread is None:
            return  # a forked child has neither the thread nor what was asked of it
        self.flush(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._wanted and not self._closed:
                    self._changed.wait()
                if self._closed and not self._wanted:
                    return
                wanted, self._wanted = self._wanted, {}
                self._busy = True
            try:
                if not self.open:
                    self._deliver(wanted)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _deliver(self, wanted: dict[str, int]) -> None:
        try:
            for queue, times in wanted.items():
                self._send(queue, times)
        except Exception as error:
            self._rest = min(_LONGEST_REST, self._rest * 2 or _FIRST_REST)
            self._resting_until = time.monotonic() + self._rest
            logger.warning(
                "the broker does not answer; jobs are safe and the keeper will ring",
                error=type(error).__name__,
                rests_for=self._rest,
            )
        else:
            self._rest = 0.0


_ringers: weakref.WeakSet[Ringer] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    # A short script must not end with its only ring unsent.
    for ringer in list(_ringers):
        ringer.close()
