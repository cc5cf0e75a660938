"""Threads that do something again and again, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jobkit.errors import StoreUnavailable
from jobkit.logs import get_logger

logger = get_logger("jobkit.worker")


class Loop:
    """Call a function every so many seconds in a thread, until stopped."""

    def __init__(self, name: str, seconds: float, tick: Callable[[], None]) -> None:
        self._name = name
        self._seconds = seconds
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"jobkit-{name}", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End after the present turn."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._tick()
            except StoreUnavailable as error:
                if not self._failing:
                    logger.warning("the job store is away", part=self._name, error=str(error))
                self._failing = True
            except Exception:
                logger.exception("a part of the worker failed; it goes on", part=self._name)
            else:
                if self._failing:
                    logger.info("the job store is back", part=self._name)
                self._failing = False
            self._stop.wait(self._seconds)
