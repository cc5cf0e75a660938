"""Background jobs with the business tasks ready-made, on Celery and a job store."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.clock import Clock
    from jobkit.context import JobContext
    from jobkit.effects import ask
    from jobkit.errors import (
        Cancelled,
        ConfigurationError,
        DidNotHappen,
        DuplicateJob,
        InvalidPayload,
        JobCancelled,
        JobDead,
        JobkitError,
        JobNotFound,
        NotCommitted,
        PermanentError,
        ResultTimeout,
        RetryAfter,
        Snooze,
        TimeLimitReached,
        TransientError,
    )
    from jobkit.handle import JobHandle
    from jobkit.job import Job, JobState
    from jobkit.payload import Payload, Result
    from jobkit.privacy import Personal, Secret
    from jobkit.queues import Priority, Queue
    from jobkit.retry import Retry
    from jobkit.schedules import Calendar, Cron, Every, SchedulePolicy
    from jobkit.settings import Settings
    from jobkit.store.reading import JobFilter
    from jobkit.task import Task, TaskSet
    from jobkit.unique import Unique

_HOMES = {
    "app": ("Jobkit",),
    "clock": ("Clock",),
    "context": ("JobContext",),
    "effects": ("ask",),
    "errors": (
        "Cancelled", "ConfigurationError", "DidNotHappen", "DuplicateJob", "InvalidPayload",
        "JobCancelled", "JobDead", "JobkitError", "JobNotFound", "NotCommitted", "PermanentError",
        "ResultTimeout", "RetryAfter", "Snooze", "TimeLimitReached", "TransientError",
    ),
    "handle": ("JobHandle",),
    "job": ("Job", "JobState"),
    "payload": ("Payload", "Result"),
    "privacy": ("Personal", "Secret"),
    "queues": ("Priority", "Queue"),
    "retry": ("Retry",),
    "schedules": ("Calendar", "Cron", "Every", "SchedulePolicy"),
    "settings": ("Settings",),
    "store.reading": ("JobFilter",),
    "task": ("Task", "TaskSet"),
    "unique": ("Unique",),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "Calendar", "Cancelled", "Clock", "ConfigurationError", "Cron", "DidNotHappen",
    "DuplicateJob", "Every", "InvalidPayload", "Job", "JobCancelled", "JobContext", "JobDead",
    "JobFilter", "JobHandle", "JobNotFound", "JobState", "Jobkit", "JobkitError", "NotCommitted",
    "Payload", "PermanentError", "Personal", "Priority", "Queue", "Result", "ResultTimeout",
    "Retry", "RetryAfter", "SchedulePolicy", "Secret", "Settings", "Snooze", "Task", "TaskSet",
    "TimeLimitReached", "TransientError", "Unique", "ask",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import jobkit` costs nothing."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'jobkit' has no attribute {name!r}")
    return getattr(import_module(f"jobkit.{_HOME_OF[name]}"), name)
