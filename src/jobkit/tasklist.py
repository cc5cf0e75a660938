"""The tasks of one application, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jobkit.errors import ApplicationFrozen, UnknownTask
from jobkit.task import Task, TaskSet


class TaskList:
    """Hold an application's tasks, with the policy that its host configured.

    Names that clash are kept and reported by `jobkit check`, all at once; the first one wins.
    """

    def __init__(self, given: Iterable[TaskSet | Task[Any, Any]] = ()) -> None:
        self.declared: list[Task[Any, Any]] = []
        self._by_name: dict[str, Task[Any, Any]] = {}
        self._frozen = False
        for item in given:
            self.include(item)

    def include(self, item: TaskSet | Task[Any, Any]) -> None:
        """Add a task, or every task of a set. Raises `ApplicationFrozen` once jobs run."""
        self._check_thawed("included")
        for task in item if isinstance(item, TaskSet) else (item,):
            if task in self.declared:
                continue
            self.declared.append(task)
            self._by_name.setdefault(task.name, task)

    def configure(self, name: str, **policy: Any) -> None:
        """Change the policy of one task. Raises `UnknownTask` or `ConfigurationError`."""
        self._check_thawed("configured")
        if name not in self._by_name:
            raise UnknownTask(self._unknown(name))
        old = self._by_name[name]
        new = old.with_policy(**policy)
        self.declared = [new if task is old else task for task in self.declared]
        self._by_name[name] = new

    def freeze(self) -> None:
        """Refuse further changes."""
        self._frozen = True

    def find(self, task: str | Task[Any, Any]) -> Task[Any, Any]:
        """Return the task of that name or alias, as configured. Raises `UnknownTask`."""
        name = task if isinstance(task, str) else task.name
        if name in self._by_name:
            return self._by_name[name]
        for known in self.declared:
            if name in known.aliases:
                return known
        raise UnknownTask(self._unknown(name))

    def with_aliases(self) -> dict[str, Task[Any, Any]]:
        """Return every task by its name and by its earlier names."""
        named = {alias: task for task in self.declared for alias in task.aliases}
        return named | self._by_name

    def __iter__(self) -> Iterator[Task[Any, Any]]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def _check_thawed(self, verb: str) -> None:
        if self._frozen:
            raise ApplicationFrozen(
                f"a task was {verb} after the application began to run; do it where Jobkit is made"
            )

    def _unknown(self, name: str) -> str:
        known = ", ".join(sorted(self._by_name)) or "none"
        return f"no task is named {name!r}; this application has: {known}"
