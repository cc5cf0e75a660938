"""The place where a run is seen from outside, and asked to stop."""

from __future__ import annotations

import time
from enum import IntEnum
from typing import Protocol

from jobkit.errors import Cancelled, Interrupted, TimeLimitReached


class Cause(IntEnum):
    """Why a run is asked to stop."""

    NONE = 0
    CANCEL = 1
    SOFT_LIMIT = 2
    INTERRUPT = 4

    def exception(self) -> BaseException:
        """Return what is raised inside the task for this cause."""
        if self is Cause.CANCEL:
            return Cancelled()
        if self is Cause.SOFT_LIMIT:
            return TimeLimitReached()
        return Interrupted()


class Slot(Protocol):
    """Show a run to whoever watches over it. Deadlines are readings of `time.monotonic()`."""

    def begin(
        self, job: str, token: str, task: str, soft: float | None, hard: float | None
    ) -> None:
        """Announce a run; requests to stop that were meant for an earlier one are gone."""

    def end(self) -> None:
        """Announce that the run is over and its outcome recorded."""

    def cause(self) -> Cause:
        """Return why the present run is asked to stop."""

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""


class LocalSlot:
    """Watch over a run without a second process: limits are noticed when the task looks."""

    def __init__(self) -> None:
        self._soft: float | None = None
        self.job: str | None = None
        self.token: str | None = None
        self.task = ""
        self.requested = Cause.NONE
        self.stop = False

    def begin(
        self, job: str, token: str, task: str, soft: float | None, hard: float | None
    ) -> None:
        """Announce a run."""
        deadlines = [deadline for deadline in (soft, hard) if deadline is not None]
        self._soft = min(deadlines) if deadlines else None
        self.requested = Cause.NONE
        self.job, self.token, self.task = job, token, task

    def end(self) -> None:
        """Announce that the run is over."""
        self.job = self.token = None

    def cause(self) -> Cause:
        """Return why the present run is asked to stop."""
        if self.requested is not Cause.NONE:
            return self.requested
        if self._soft is not None and time.monotonic() > self._soft:
            return Cause.SOFT_LIMIT
        return Cause.NONE

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""
        return self.stop
