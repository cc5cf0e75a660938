"""Parts of applications, whole and broken, for the checks to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from jobkit.adapters import AdapterRegistry
from jobkit.checks import Declared, ScheduleEntry
from jobkit.payload import Payload
from jobkit.privacy import Secret
from jobkit.settings import Settings
from jobkit.task import Task, TaskSet

KEY = "q9Jrk3Z8v5Xw1Lm7Tn2B"


class Order(Payload):
    tenant_id: str
    order_id: str


class Login(Payload):
    user: str
    password: Secret[str]


class Files(Protocol):
    def write(self, name: str, content: bytes, *, public: bool = False) -> str: ...


class MemoryFiles:
    def write(self, name: str, content: bytes, *, public: bool = False) -> str:
        return name


class WrongFiles:
    def write(self, name: str) -> str:
        return name


def plain(payload: Order) -> None: ...
def log_in(payload: Login) -> None: ...
def draw(payload: Order, *, files: Files) -> None: ...


def open_files() -> Iterator[MemoryFiles]:
    yield MemoryFiles()


def task(fn: Callable[..., Any] = plain, *, family: str = "shop", **policy: Any) -> Task[Any, Any]:
    """Return a task declared from *fn*."""
    made: Task[Any, Any] = TaskSet(family).task(**policy)(fn)
    return made


def declare(
    *tasks: Task[Any, Any],
    adapters: Mapping[Any, Any] | None = None,
    factories: Mapping[Any, Any] | None = None,
    schedules: Sequence[ScheduleEntry] = (),
    celery: Mapping[str, Any] | None = None,
    queues: Sequence[str] = (),
    **settings: Any,
) -> Declared:
    """Return an application made of these parts."""
    registry = AdapterRegistry()
    for protocol, adapter in (adapters or {}).items():
        registry.bind(protocol).to(adapter)
    for protocol, factory in (factories or {}).items():
        registry.bind(protocol).to_factory(factory)
    return Declared(Settings(**settings), tasks, registry, schedules, celery, queues)
