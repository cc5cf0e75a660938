"""What the checks look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jobkit.adapters.registry import AdapterRegistry
from jobkit.checks.report import Finding
from jobkit.schedules import Schedule, SchedulePolicy
from jobkit.settings import Settings
from jobkit.task import Task


@dataclass(frozen=True)
class ScheduleEntry:
    """Name what runs by itself, when, and with which payload."""

    name: str
    task_name: str
    schedule: Schedule
    payload: Mapping[str, Any]
    policy: SchedulePolicy = field(default_factory=SchedulePolicy)
    stored: bool = False
    """Whether it was added at run time, and is a row of the store."""


@dataclass(frozen=True)
class Declared:
    """Hold the parts that an application is declared with."""

    settings: Settings
    tasks: Sequence[Task[Any, Any]]
    """All that were given, those of equal names included."""

    adapters: AdapterRegistry
    schedules: Sequence[ScheduleEntry] = ()
    celery_conf: Mapping[str, Any] | None = None
    """The configuration of the host's own Celery application, where jobkit is added to one."""

    queues: Sequence[str] = ()
    """Queues in use beside those of the tasks."""


class Rule(Protocol):
    """Look for faults of one kind; the name tells which."""

    __name__: str

    def __call__(self, declared: Declared, /) -> Iterable[Finding]:
        """Yield what is wrong with *declared*."""
        ...
