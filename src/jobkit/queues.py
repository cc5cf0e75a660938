"""Queues, and the priorities of the jobs in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from jobkit.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Priority(IntEnum):
    """How urgent a job is. The lower the number, the sooner: as on Redis, opposite to RabbitMQ."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def head_start(self) -> float:
        """Return the seconds by which a job of this priority counts as having waited longer.

        Ageing is built into the order: a normal job that has waited ten minutes longer than a
        high one goes first, so nothing starves.
        """
        return {0: 3600.0, 1: 600.0, 2: 0.0, 3: -1800.0}[self.value]


@dataclass(frozen=True)
class Queue:
    """Name a line of jobs that workers choose to serve."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} is no name for a queue: use up to 100 letters, digits, "
                "dots, dashes and underscores, a letter or digit first"
            )

    def __str__(self) -> str:
        return self.name
