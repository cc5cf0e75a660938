"""Travelling in time, so that no test has to sleep."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from jobkit.clock import TRAVEL_VARIABLE, Clock, TravelFile


class TimeTravel:
    """Move the time of applications under test, in this process and in others.

    `Jobkit(clock=travel.clock)` travels along, and so does every process that is started with
    `environment`. Between two journeys time passes as it always does.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = TravelFile(path)
        self.clock = Clock(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which other processes travel along."""
        return {TRAVEL_VARIABLE: os.fspath(self._file.path.absolute())}

    def now(self) -> datetime:
        """Return the time that the applications see."""
        return self.clock.now()

    def travel(self, by: timedelta | float) -> datetime:
        """Move by a timedelta or by seconds, backwards when negative, and return the new time."""
        self._file.travel(by.total_seconds() if isinstance(by, timedelta) else by)
        return self.now()

    def travel_to(self, moment: datetime) -> datetime:
        """Move to *moment*, which needs a time zone, and return the new time."""
        return self.travel(moment - self.now())
