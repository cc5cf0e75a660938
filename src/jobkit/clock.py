"""The one clock: every time jobkit writes or compares comes from here."""

from __future__ import annotations

import mmap
import os
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

TRAVEL_VARIABLE = "JOBKIT_CLOCK_FILE"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = struct.Struct("<d")


class TravelFile:
    """Share a number of seconds to add to every clock that maps the same file.

    Tests write it and the worker processes they start read it, so time passes without sleeping.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.exists() or self.path.stat().st_size < _OFFSET.size:
            self.path.write_bytes(_OFFSET.pack(0.0))
        with self.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _OFFSET.size)

    @property
    def seconds(self) -> float:
        """Return how far ahead of the real time the clocks are, in seconds."""
        return float(_OFFSET.unpack_from(self._map)[0])

    def travel(self, seconds: float) -> None:
        """Move every clock by *seconds*, backwards when negative."""
        _OFFSET.pack_into(self._map, 0, self.seconds + seconds)


class Clock:
    """Tell the time of the job store.

    The reading is the database's at the last synchronisation plus the local monotonic clock, so
    workers whose system clocks disagree agree here, and a stepped system clock moves nothing.
    """

    SYNCHRONISE_EVERY = 60.0

    def __init__(self, travel: TravelFile | None = None) -> None:
        if travel is None and (path := os.environ.get(TRAVEL_VARIABLE)):
            travel = TravelFile(path)
        self._travel = travel
        self._anchor = time.time()
        self._anchored_at = time.monotonic()
        self._synchronised = False
        self.skew = 0.0
        """Seconds by which this machine's clock is ahead of the database's, when last compared."""

    def time(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""
        reading = self._anchor + (time.monotonic() - self._anchored_at)
        return reading + self._travel.seconds if self._travel else reading

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC, to the microsecond."""
        return _EPOCH + timedelta(seconds=self.time())

    @property
    def due(self) -> bool:
        """Tell whether the reading should be compared with the database's again."""
        age = time.monotonic() - self._anchored_at
        return not self._synchronised or age > self.SYNCHRONISE_EVERY

    def synchronise(self, database_time: float) -> None:
        """Take *database_time*, seconds since 1970 in UTC, as the present."""
        self._anchor = database_time
        self._anchored_at = time.monotonic()
        self._synchronised = True
        self.skew = time.time() - database_time
