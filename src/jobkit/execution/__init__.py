"""One attempt at a job, from its claim to its recorded outcome. Free of Celery."""

from jobkit.execution.drain import Drain
from jobkit.execution.engine import Engine
from jobkit.execution.hooks import Hooks, LifecycleEvent
from jobkit.execution.slot import LocalSlot, Slot

__all__ = ["Drain", "Engine", "Hooks", "LifecycleEvent", "LocalSlot", "Slot"]
