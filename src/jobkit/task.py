"""Declaring tasks: one declaration from which everything else derives."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Concatenate, Generic, TypeVar

from pydantic import TypeAdapter

from jobkit.context import JobContext
from jobkit.errors import ConfigurationError, DuplicateTask
from jobkit.payload import Payload
from jobkit.queues import Priority, Queue
from jobkit.retry import Retry
from jobkit.schedules import Schedule, SchedulePolicy
from jobkit.unique import Unique

P = TypeVar("P", bound=Payload)
R = TypeVar("R")

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")

OPTIONS = frozenset(
    {"scheduled_at", "delay", "queue", "priority", "max_attempts", "idempotency_key", "connection"}
)
"""The keywords of `enqueue` that are not payload fields."""


@dataclass(frozen=True)
class AdapterWish:
    """Name a keyword of a task and the protocol whose adapter it is given."""

    keyword: str
    protocol: Any
    optional: bool


@dataclass(frozen=True, eq=False)
class Task(Generic[P, R]):
    """Hold a declared function with its policy. It stays a plain callable."""

    name: str
    fn: Callable[..., R]
    payload_type: type[P]
    result_type: Any
    queue: Queue
    wishes: tuple[AdapterWish, ...] = ()
    wants_job: str | None = None
    """The keyword that takes the `JobContext`, or None."""

    priority: Priority = Priority.NORMAL
    retry: Retry = field(default_factory=Retry)
    time_limit: float | None = None
    """Seconds after which the attempt is ended by force, in prefork workers."""

    soft_time_limit: float | None = None
    """Seconds after which `TimeLimitReached` is raised inside the task."""

    unique: Unique | None = None
    durable: bool = True
    schedule: Schedule | None = None
    schedule_payload: Mapping[str, Any] = field(default_factory=dict)
    schedule_policy: SchedulePolicy = field(default_factory=SchedulePolicy)
    aliases: tuple[str, ...] = ()
    """Earlier names of this task, under which jobs may still be queued."""

    @property
    def unique_by(self) -> tuple[str, ...]:
        """Return the payload fields by which its jobs are the same work."""
        return self.unique.by if self.unique else ()

    def __call__(self, payload: P, /, **collaborators: Any) -> R:
        """Call the function itself, as a test does."""
        return self.fn(payload, **collaborators)

    @property
    def doc(self) -> str:
        """Return what the function says of itself."""
        return inspect.getdoc(self.fn) or ""

    @cached_property
    def results(self) -> TypeAdapter[R]:
        """Return what validates and serialises this task's results."""
        return TypeAdapter(self.result_type)

    def with_policy(self, **changes: Any) -> Task[P, R]:
        """Return this task with other policy, as `Jobkit.configure` does."""
        allowed = POLICY
        if unknown := set(changes) - allowed:
            raise ConfigurationError(
                f"{self.name} has no policy called {', '.join(sorted(unknown))}; "
                f"choose from {', '.join(sorted(allowed))}"
            )
        return dataclasses.replace(self, **_tidy(changes))


POLICY = frozenset(
    {"queue", "priority", "retry", "time_limit", "soft_time_limit", "unique", "unique_by",
     "schedule", "schedule_payload", "schedule_policy", "aliases"}
)  # fmt: skip


class TaskSet:
    """Collect tasks that share a first name and a queue."""

    def __init__(self, name: str, *, queue: str | Queue | None = None) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ConfigurationError(f"{name!r} is no name for a task set: use lower_snake_case")
        self.name = name
        self.queue = queue if isinstance(queue, Queue) else Queue(queue or name)
        self._tasks: dict[str, Task[Any, Any]] = {}

    def __iter__(self) -> Iterator[Task[Any, Any]]:
        return iter(self._tasks.values())

    def __len__(self) -> int:
        return len(self._tasks)

    def task(
        self,
        *,
        name: str | None = None,
        queue: str | Queue | None = None,
        priority: Priority = Priority.NORMAL,
        retry: Retry | None = None,
        time_limit: float | None = None,
        soft_time_limit: float | None = None,
        unique_by: tuple[str, ...] = (),
        unique: Unique | None = None,
        durable: bool = True,
        schedule: Schedule | None = None,
        schedule_payload: Mapping[str, Any] | None = None,
        schedule_policy: SchedulePolicy | None = None,
        aliases: tuple[str, ...] = (),
    ) -> Callable[[Callable[Concatenate[P, ...], R]], Task[P, R]]:
        """Declare a function as a task.

        Its first argument is annotated with a `Payload`; keywords annotated with `JobContext` or
        with an adapter's protocol are filled in when it runs; its return annotation is the type
        of its result. *unique_by* is short for `unique=Unique(by=...)`. Raises
        `ConfigurationError` for a function that cannot be one.
        """

        def declare(fn: Callable[Concatenate[P, ...], R]) -> Task[P, R]:
            full = f"{self.name}.{name or fn.__name__}"
            if not _NAME.fullmatch(full):
                raise ConfigurationError(f"{full!r} is no name for a task: use lower_snake_case")
            if full in self._tasks:
                raise DuplicateTask(f"{full} is declared twice in the task set {self.name}")
            policy = _tidy(
                dict(
                    queue=queue or self.queue,
                    priority=priority,
                    retry=retry or Retry(),
                    time_limit=time_limit,
                    soft_time_limit=soft_time_limit,
                    **({"unique": unique} if unique is not None else {}),
                    **({"unique_by": unique_by} if unique_by else {}),
                    durable=durable,
                    schedule=schedule,
                    schedule_payload=schedule_payload or {},
                    schedule_policy=schedule_policy or SchedulePolicy(),
                    aliases=aliases,
                )
            )
            task: Task[P, R] = Task(name=full, fn=fn, **_signature(full, fn), **policy)
            self._tasks[full] = task
            return task

        return declare


def _tidy(policy: dict[str, Any]) -> dict[str, Any]:
    if isinstance(policy.get("queue"), str):
        policy["queue"] = Queue(policy["queue"])
    for several in ("unique_by", "aliases"):
        if isinstance(names := policy.get(several, ()), str):
            raise ConfigurationError(f"{several} takes several names: write ({names!r},)")
        if several in policy:
            policy[several] = tuple(names)
    if "unique_by" in policy:
        if "unique" in policy:
            raise ConfigurationError("give unique_by=(...) or unique=Unique(...), not both")
        by = policy.pop("unique_by")
        policy["unique"] = Unique(by=by) if by else None
    if not isinstance(given := policy.get("unique"), Unique | None):
        raise ConfigurationError(f"unique takes Unique(by=...), not {given!r}")
    if "priority" in policy:
        try:
            policy["priority"] = Priority(policy["priority"])
        except ValueError:
            known = ", ".join(f"Priority.{each.name}" for each in Priority)
            raise ConfigurationError(
                f"{policy['priority']!r} is no priority; choose from {known}"
            ) from None
    return policy


def _signature(name: str, fn: Callable[..., Any]) -> dict[str, Any]:
    """Read the payload, the wishes and the result from a function's annotations."""
    try:
        hints = typing.get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{name}: {error}. Annotations are read when the task is declared: import what they "
            "name at the top of the module, not under TYPE_CHECKING or inside a function"
        ) from error
    if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
        raise ConfigurationError(
            f"{name} is asynchronous, and workers call tasks plainly; use asyncio.run() inside it"
        )
    if inspect.isgeneratorfunction(fn):
        raise ConfigurationError(f"{name} yields, so that it would never run; return its result")
    parameters = list(inspect.signature(fn).parameters.values())
    if not parameters or parameters[0].kind not in _BY_PLACE:
        raise ConfigurationError(f"{name} takes no payload; give it a first argument")
    first, *rest = parameters
    payload_type = hints.get(first.name)
    if not (isinstance(payload_type, type) and issubclass(payload_type, Payload)):
        raise ConfigurationError(
            f"{name}: annotate the first argument {first.name!r} with a subclass of jobkit.Payload"
        )
    if clash := OPTIONS & set(payload_type.model_fields):
        raise ConfigurationError(
            f"{name}: the payload field {', '.join(sorted(clash))} is also an option of enqueue; "
            "rename the field"
        )
    wishes = [_wish(name, parameter, hints) for parameter in rest]
    jobs = [wish.keyword for wish in wishes if wish.protocol is JobContext]
    if len(jobs) > 1:
        raise ConfigurationError(f"{name} asks for its job twice: {' and '.join(jobs)}")
    return {
        "payload_type": payload_type,
        "result_type": hints.get("return", Any),
        "wishes": tuple(wish for wish in wishes if wish.protocol is not JobContext),
        "wants_job": jobs[0] if jobs else None,
    }


def _wish(name: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> AdapterWish:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ConfigurationError(f"{name}: name its collaborators instead of *args or **kwargs")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise ConfigurationError(
            f"{name}: collaborators are given by name; put {parameter.name!r} after a *"
        )
    if parameter.name not in hints:
        raise ConfigurationError(
            f"{name}: annotate {parameter.name!r} with JobContext or an adapter's protocol"
        )
    hint = hints[parameter.name]
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    arms = typing.get_args(hint) if is_union else (hint,)
    protocols = [arm for arm in arms if arm is not type(None)]
    if len(protocols) != 1:
        raise ConfigurationError(
            f"{name}: annotate {parameter.name!r} with one protocol, or one and None"
        )
    optional = len(arms) > 1 or parameter.default is not parameter.empty
    return AdapterWish(parameter.name, protocols[0], optional)
