"""Joining protocols and the host's objects: a registry an application, a container a job."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from typing_extensions import TypeForm

from jobkit.errors import AdapterMissing, ApplicationFrozen, ConfigurationError, words_of

T = TypeVar("T")


@dataclass(frozen=True)
class Bound:
    """Remember what a protocol is bound to: an object, or what makes one for each job."""

    protocol: Any
    adapter: Any = None
    factory: Callable[[], Iterator[Any]] | None = None


class Binding(Generic[T]):
    """Await the second half of `bind(Protocol).to(...)`."""

    def __init__(self, registry: AdapterRegistry, protocol: Any) -> None:
        self._registry = registry
        self._protocol = protocol

    def to(self, adapter: T) -> None:
        """Bind one object that all jobs share; it must be safe to use from several threads."""
        self._registry.add(Bound(self._protocol, adapter=adapter))

    def to_factory(self, factory: Callable[[], Iterator[T]]) -> None:
        """Bind a generator that yields an adapter: opened and closed around each job.

        What follows its `yield` runs when the job has ended; when the job failed, its exception
        is raised at the `yield`.
        """
        self._registry.add(Bound(self._protocol, factory=factory))


class AdapterRegistry:
    """Hold what an application bound to which protocol."""

    def __init__(self) -> None:
        self._bound: dict[Any, Bound] = {}
        self._frozen = False

    def bind(self, protocol: TypeForm[T]) -> Binding[T]:
        """Begin to bind an adapter to *protocol*; a later binding replaces an earlier one."""
        return Binding(self, protocol)

    def add(self, bound: Bound) -> None:
        """Record a binding. Raises `ApplicationFrozen` once the application runs."""
        if self._frozen:
            raise ApplicationFrozen(
                f"{name_of(bound.protocol)} was bound after the application began to run; "
                "bind adapters where Jobkit is made"
            )
        self._bound[bound.protocol] = bound

    def freeze(self) -> None:
        """Refuse further bindings."""
        self._frozen = True

    def __contains__(self, protocol: Any) -> bool:
        return protocol in self._bound

    def __iter__(self) -> Iterator[Bound]:
        return iter(self._bound.values())

    def container(self) -> Container:
        """Return a container for one job; use it as a context manager."""
        return Container(self._bound)


class Container:
    """Open the adapters of one job when asked for, and close them in reverse order at its end.

    All are closed, whatever one of them raises, and all are told of the job's exception, also
    when one has swallowed it: what they would commit belongs to a job that failed.
    """

    def __init__(self, bound: dict[Any, Bound]) -> None:
        self._bound = bound
        self._opened: dict[Any, Any] = {}
        self._managers: list[AbstractContextManager[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failed = error
        while self._managers:
            try:
                _leave(self._managers.pop(), failed)
            except BaseException as raised:
                failed = _first(failed, raised)
        if failed is not None and failed is not error:
            raise failed

    def __contains__(self, protocol: Any) -> bool:
        return protocol in self._bound

    def get(self, protocol: Any) -> Any:
        """Return the adapter of *protocol*, opened for this job. Raises `AdapterMissing`."""
        if protocol in self._opened:
            return self._opened[protocol]
        bound = self._bound.get(protocol)
        if bound is None:
            raise AdapterMissing(
                f"nothing is bound to {name_of(protocol)}; "
                f"call jobs.adapters.bind({name_of(protocol)}).to(your_object)"
            )
        if bound.factory is None:
            adapter = bound.adapter
        elif not inspect.isgeneratorfunction(bound.factory):
            raise ConfigurationError(
                f"the factory of {name_of(protocol)} returns instead of yielding its adapter, so "
                "it would never be closed; write it as a generator"
            )
        else:
            manager = contextmanager(bound.factory)()
            adapter = manager.__enter__()
            self._managers.append(manager)
        self._opened[protocol] = adapter
        return adapter


def _leave(manager: AbstractContextManager[Any], failed: BaseException | None) -> None:
    if failed is None:
        manager.__exit__(None, None, None)
    else:
        manager.__exit__(type(failed), failed, failed.__traceback__)


def _first(failed: BaseException | None, raised: BaseException) -> BaseException:
    """Return the failure that counts: the job's own decides whether it is tried again."""
    if failed is not None and raised is not failed:
        told = f"{type(raised).__name__}: {words_of(raised)}"
        failed.add_note(f"Closing an adapter failed as well: {told}")
    return failed or raised


def name_of(protocol: Any) -> str:
    """Return the name by which a person knows *protocol*."""
    return getattr(protocol, "__name__", str(protocol))
