"""What hosts test their tasks with, and so do we.

Everything is imported when it is first asked for: pytest loads the plugin of this package in every
run of every host, whether it has jobs to test or not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobkit.testing.assertions import assert_enqueued, enqueued, refute_enqueued
    from jobkit.testing.draining import Drained, drain
    from jobkit.testing.fresh import fresh_jobs, isolated
    from jobkit.testing.processes import WorkerProcess
    from jobkit.testing.recorder import Enqueued, Recorder, Shown
    from jobkit.testing.running import Ran, job_context, run_task
    from jobkit.testing.travel import TimeTravel

_HOMES = {
    "assertions": ("assert_enqueued", "enqueued", "refute_enqueued"),
    "draining": ("Drained", "drain"),
    "fresh": ("fresh_jobs", "isolated"),
    "processes": ("WorkerProcess",),
    "recorder": ("Enqueued", "Recorder", "Shown"),
    "running": ("Ran", "job_context", "run_task"),
    "travel": ("TimeTravel",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Drained", "Enqueued", "Ran", "Recorder", "Shown", "TimeTravel", "WorkerProcess",
    "assert_enqueued", "drain", "enqueued", "fresh_jobs", "isolated", "job_context",
    "refute_enqueued", "run_task",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'jobkit.testing' has no attribute {name!r}")
    return getattr(import_module(f"jobkit.testing.{_HOME_OF[name]}"), name)
