"""What every run needs: the store, the tasks, the adapters, and who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobkit.adapters.registry import AdapterRegistry
from jobkit.execution.hooks import Hooks
from jobkit.privacy import Cipher
from jobkit.settings import Settings
from jobkit.store.database import Database
from jobkit.store.enqueueing import NewJob
from jobkit.task import Task


@dataclass
class Engine:
    """Hold what runs have in common in one process."""

    database: Database
    settings: Settings
    tasks: Mapping[str, Task[Any, Any]]
    """Tasks by name and by alias."""

    adapters: AdapterRegistry
    cipher: Cipher | None
    build: Callable[[Any, Any, dict[str, Any]], NewJob]
    """Turns a task, a payload and options into a row: the application's own `enqueue` half."""

    ring: Callable[[str, int], None]
    hooks: Hooks = field(default_factory=Hooks)

    @property
    def claimable(self) -> list[str]:
        """Return the names of tasks whose jobs this process can run."""
        return [name for name, task in self.tasks.items() if task.durable]
