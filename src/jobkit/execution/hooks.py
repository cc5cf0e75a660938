"""The seam where metrics, traces and Celery's signals hang: what happens to each run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from jobkit.logs import get_logger
from jobkit.payload import Payload
from jobkit.store.claims import Claim
from jobkit.task import Task

Kind = Literal[
    "claimed", "completed", "retryable", "snoozed", "dead", "cancelled", "interrupted", "superseded"
]
"""What can happen to a run. All but `claimed` end it; `superseded`: it had lost its job."""


@dataclass(frozen=True)
class LifecycleEvent:
    """Tell what happened to a run."""

    kind: Kind
    claim: Claim
    task: Task[Any, Any] | None
    payload: Payload | None = None
    result: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    """How long the task ran."""


Hook = Callable[[LifecycleEvent], None]


@dataclass
class Hooks:
    """Call whoever wants to know. A hook that fails is logged and changes nothing."""

    listeners: list[Hook] = field(default_factory=list)

    def add(self, hook: Hook) -> Hook:
        """Call *hook* at every event from now on."""
        self.listeners.append(hook)
        return hook

    def tell(self, event: LifecycleEvent) -> None:
        """Pass *event* to every hook."""
        for hook in self.listeners:
            with self._guarded(hook):
                hook(event)

    @contextmanager
    def _guarded(self, hook: Hook) -> Iterator[None]:
        try:
            yield
        except Exception:
            get_logger("jobkit.hooks").exception("a lifecycle hook failed", hook=repr(hook))
