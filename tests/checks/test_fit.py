"""Whether an adapter can be called as its protocol promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import pytest
from tests.checks.declaring import Files, MemoryFiles, WrongFiles

from jobkit.adapters.registry import AdapterRegistry
from jobkit.checks import Declared, run_checks
from jobkit.checks.fit import misfits
from jobkit.settings import Settings

T = TypeVar("T")


def differences(protocol: Any, adapter: Any) -> list[str]:
    return list(misfits(protocol, adapter))


class Named(MemoryFiles):
    def write(self, name: str, content: bytes, public: bool = False) -> str:
        return name


class Freer(MemoryFiles):
    def write(self, name: str, content: bytes = b"", extra: int = 1, *, public: bool = True) -> str:
        return name


class Anything:
    def write(self, *args: Any, **kwargs: Any) -> str:
        return ""


class Wrapped:
    write = staticmethod(MemoryFiles().write)


class Partly:
    def __init__(self) -> None:
        self.write = partial(MemoryFiles().write)


class MadeUp:
    def __getattr__(self, name: str) -> Any:
        if name == "write":
            return MemoryFiles().write
        raise AttributeError(name)


class Inherited(Named): ...


@pytest.mark.parametrize(
    "adapter",
    [MemoryFiles(), Named(), Freer(), Anything(), Wrapped(), Partly(), MadeUp(), Inherited()],
    ids=lambda adapter: type(adapter).__name__,
)
def test_what_can_be_called_alike_fits(adapter: Any) -> None:
    assert differences(Files, adapter) == []


class Empty: ...


class NotCallable:
    write = "write"


class Asynchronous:
    async def write(self, name: str, content: bytes, *, public: bool = False) -> str:
        return name


class Renamed:
    def write(self, path: str, content: bytes, *, public: bool = False) -> str:
        return path


class Swapped:
    def write(self, content: bytes, name: str, *, public: bool = False) -> str:
        return name


class Demanding:
    def write(self, name: str, content: bytes, tenant: str, *, public: bool = False) -> str:
        return name


class NoDefault:
    def write(self, name: str, content: bytes, *, public: bool) -> str:
        return name


class NoKeyword:
    def write(self, name: str, content: bytes) -> str:
        return name


class OnlyKeywords:
    def write(self, *, name: str, content: bytes, public: bool = False) -> str:
        return name


class OnlyPlaces:
    def write(self, name: str, content: bytes, /, *, public: bool = False) -> str:
        return name


CALLED = "cannot be called as the protocol says:"


@pytest.mark.parametrize(
    ("adapter", "messages"),
    [
        (Empty(), ["has no write()"]),
        (object(), ["has no write()"]),
        (NotCallable(), ["is no method"]),
        (Asynchronous(), ["is asynchronous, unlike the protocol's"]),
        (Renamed(), [f"{CALLED} missing a required argument: 'path'", "takes 'name' for its"]),
        (Swapped(), ["takes 'name' for its 'content'", "takes 'content' for its 'name'"]),
        (Demanding(), [f"{CALLED} missing a required argument: 'tenant'"]),
        (NoDefault(), ["'public'"]),
        (NoKeyword(), [f"{CALLED} got an unexpected keyword argument 'public'"]),
        (OnlyKeywords(), [f"{CALLED} too many positional arguments"]),
        (OnlyPlaces(), ["'name"]),
        (WrongFiles(), [f"{CALLED} too many positional arguments", "'content'"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_called_alike_is_told(adapter: Any, messages: list[str]) -> None:
    found = "\n".join(differences(Files, adapter))

    assert found
    assert all(type(adapter).__name__ in line for line in found.splitlines())
    for message in messages:
        assert message in found


class Rich(Protocol[T]):
    timeout: float

    @property
    def name(self) -> str: ...
    @classmethod
    def made(cls, url: str) -> Any: ...
    @staticmethod
    def parse(text: str) -> T: ...
    async def fetch(self, *names: str, **options: int) -> T: ...


class RichAdapter:
    def __init__(self) -> None:
        self.timeout = 1.0
        self.name = "x"

    @classmethod
    def made(cls, url: str) -> Any: ...
    @staticmethod
    def parse(text: str) -> int: ...  # type: ignore[empty-body]
    async def fetch(self, *names: str, **options: int) -> int: ...  # type: ignore[empty-body]


class PoorAdapter:
    @property
    def name(self) -> str:
        raise RuntimeError("asked for too early")

    @classmethod
    def made(cls) -> Any: ...
    def parse(self, text: str, strict: bool) -> int: ...  # type: ignore[empty-body]
    def fetch(self, name: str) -> int: ...  # type: ignore[empty-body]


def test_methods_of_every_kind_and_attributes_are_compared() -> None:
    assert differences(Rich, RichAdapter()) == []
    assert differences(Rich[int], RichAdapter()) == []

    found = differences(Rich[int], PoorAdapter())

    assert "PoorAdapter has no timeout" in found
    for method in ("made", "parse", "fetch"):
        assert any(line.startswith(f"PoorAdapter.{method}() ") for line in found)
    assert "PoorAdapter.fetch() is not asynchronous, unlike the protocol's" in found
    assert not [line for line in found if "name" in line.split()[0]]


def test_a_class_is_looked_at_as_what_makes_the_adapters() -> None:
    assert differences(Files, MemoryFiles) == []
    assert differences(Rich, RichAdapter) == []
    assert differences(Files, Empty) == ["Empty has no write()"]
    assert any("'content'" in line for line in differences(Files, WrongFiles))


class Notify(Protocol):
    def __call__(self, text: str) -> None: ...


def test_a_function_may_be_an_adapter() -> None:
    def fits(text: str) -> None: ...
    def differs(message: str) -> None: ...

    assert differences(Notify, fits) == []
    assert differences(Notify, differs)


class Session(ABC):
    @abstractmethod
    def run(self) -> None: ...


class RealSession(Session):
    def run(self) -> None: ...


def test_of_a_class_that_is_no_protocol_an_object_is_needed() -> None:
    assert differences(Session, RealSession()) == []
    assert differences(Session, RealSession) == []
    assert differences(Session, MemoryFiles()) == ["MemoryFiles is no Session"]


def test_of_other_types_only_what_can_be_told_is_told() -> None:
    assert differences(Callable[[str], None], print) == []
    assert differences(Callable[[str], None], MemoryFiles()) == ["MemoryFiles is no Callable"]
    assert differences(Files | None, Empty()) == []
    assert differences("Files", Empty()) == []


# --- Factories -----------------------------------------------------------------------------------


def findings(factory: Any) -> list[tuple[str, str]]:
    registry = AdapterRegistry()
    registry.bind(Files).to_factory(factory)
    report = run_checks(Declared(Settings(), (), registry))
    return [(finding.rule, finding.message) for finding in report.findings]


def yields_protocol() -> Iterator[Files]:
    yield MemoryFiles()


def yields_class() -> Generator[MemoryFiles, None, None]:
    yield MemoryFiles()


def yields_unannotated():  # type: ignore[no-untyped-def]
    yield MemoryFiles()


def takes_optional(url: str = "", *args: Any, **kwargs: Any) -> Iterator[MemoryFiles]:
    yield MemoryFiles()


class Opener:
    def open(self) -> Iterator[MemoryFiles]:
        yield MemoryFiles()


@pytest.mark.parametrize(
    "factory",
    [
        yields_protocol,
        yields_class,
        yields_unannotated,
        takes_optional,
        partial(takes_optional, "x"),
        Opener().open,
    ],
)
def test_a_generator_without_required_arguments_is_a_factory(factory: Any) -> None:
    assert findings(factory) == []


def yields_wrong_class() -> Iterator[WrongFiles]:
    yield WrongFiles()


def test_a_factory_is_checked_by_the_class_it_says_it_yields() -> None:
    found = findings(yields_wrong_class)

    assert {rule for rule, _ in found} == {"adapter-misfit"}
    assert "WrongFiles.write()" in found[0][1]


async def asynchronous() -> Any:
    yield MemoryFiles()


def returns() -> Any:
    return MemoryFiles()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (contextmanager(yields_class), "yields_class is wrapped, by @contextmanager perhaps"),
        (asynchronous, "asynchronous is asynchronous, and tasks are not"),
        (returns, "returns returns instead of yielding its adapter"),
        (MemoryFiles, "MemoryFiles returns instead of yielding"),
        (lambda: yields_class(), "returns instead of yielding"),
    ],
)
def test_a_factory_that_cannot_be_closed_says_why(factory: Any, message: str) -> None:
    ((rule, told),) = findings(factory)

    assert rule == "adapter-never-closed"
    assert message in told
