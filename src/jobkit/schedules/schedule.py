"""What every schedule can answer."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Schedule(Protocol):
    """Say when a task is due."""

    def next_after(self, moment: datetime) -> datetime:
        """Return the first run time later than *moment*; both are aware, the answer is in UTC."""
        ...

    def __str__(self) -> str:
        """Say in plain words when the task runs."""
        ...
