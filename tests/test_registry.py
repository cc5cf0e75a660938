"""Binding adapters, and opening and closing them around a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from jobkit.adapters import AdapterRegistry
from jobkit.errors import AdapterMissing, ApplicationFrozen, ConfigurationError


class Files(Protocol):
    def read(self) -> str: ...


class Sales(Protocol):
    def count(self) -> int: ...


class Mail(Protocol):
    def send(self) -> None: ...


PROTOCOLS: tuple[Any, ...] = (Files, Sales, Mail)

Factory = Callable[[], Iterator[Any]]


@pytest.fixture
def registry() -> AdapterRegistry:
    return AdapterRegistry()


@pytest.fixture
def events() -> list[str]:
    return []


def watched(name: str, events: list[str], *, swallow: bool = False) -> Factory:
    """Return a factory that writes down what happens to it."""

    def open_adapter() -> Iterator[str]:
        events.append(f"open {name}")
        try:
            yield name
        except BaseException as error:
            events.append(f"{name} saw {error}")
            if not swallow:
                raise
        finally:
            events.append(f"close {name}")

    return open_adapter


def failing(message: str) -> Factory:
    def open_adapter() -> Iterator[str]:
        yield "adapter"
        raise ValueError(message)

    return open_adapter


def run_job(registry: AdapterRegistry, *protocols: Any, error: BaseException | None = None) -> None:
    """Do what a job does that asks for *protocols* and raises *error*."""
    with registry.container() as container:
        for protocol in protocols:
            container.get(protocol)
        if error is not None:
            raise error


def test_an_object_is_shared_by_all_jobs(registry: AdapterRegistry) -> None:
    adapter: Any = object()
    registry.bind(Files).to(adapter)

    with registry.container() as one, registry.container() as other:
        assert one.get(Files) is other.get(Files) is adapter


def test_a_factory_is_opened_once_in_each_job(registry: AdapterRegistry, events: list[str]) -> None:
    registry.bind(Files).to_factory(watched("files", events))

    for _ in range(2):
        with registry.container() as container:
            assert container.get(Files) is container.get(Files)

    assert events == ["open files", "close files"] * 2


def test_what_is_not_asked_for_is_not_opened(registry: AdapterRegistry, events: list[str]) -> None:
    registry.bind(Files).to_factory(watched("files", events))

    with registry.container():
        pass

    assert events == []


def test_adapters_are_closed_in_reverse_order(registry: AdapterRegistry, events: list[str]) -> None:
    for protocol in PROTOCOLS:
        registry.bind(protocol).to_factory(watched(protocol.__name__, events))

    run_job(registry, *PROTOCOLS)

    assert events[3:] == ["close Mail", "close Sales", "close Files"]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_job_that_fails_raises_its_exception_at_each_yield(
    registry: AdapterRegistry, events: list[str], kind: type[BaseException]
) -> None:
    registry.bind(Files).to_factory(watched("files", events))
    registry.bind(Sales).to_factory(watched("sales", events))
    error = kind("the job")

    with pytest.raises(kind) as raised:
        run_job(registry, Files, Sales, error=error)

    assert raised.value is error
    assert events[2:] == [
        "sales saw the job",
        "close sales",
        "files saw the job",
        "close files",
    ]


def test_an_adapter_cannot_hide_the_jobs_exception(
    registry: AdapterRegistry, events: list[str]
) -> None:
    registry.bind(Files).to_factory(watched("files", events))
    registry.bind(Sales).to_factory(watched("sales", events, swallow=True))

    with pytest.raises(ValueError, match="the job"):
        run_job(registry, Files, Sales, error=ValueError("the job"))

    # Files would otherwise commit what a failed job had written.
    assert "files saw the job" in events


def test_an_adapter_that_fails_to_close_fails_the_job_and_the_others_hear_of_it(
    registry: AdapterRegistry, events: list[str]
) -> None:
    registry.bind(Files).to_factory(watched("files", events))
    registry.bind(Sales).to_factory(failing("no commit"))

    with pytest.raises(ValueError, match="no commit"):
        run_job(registry, Files, Sales)

    assert events == ["open files", "files saw no commit", "close files"]


def test_all_adapters_are_closed_when_several_fail_to(
    registry: AdapterRegistry, events: list[str]
) -> None:
    registry.bind(Files).to_factory(watched("files", events))
    registry.bind(Sales).to_factory(failing("second"))
    registry.bind(Mail).to_factory(failing("first"))

    with pytest.raises(ValueError, match="first"):
        run_job(registry, *PROTOCOLS)

    assert events[-1] == "close files"


def test_the_jobs_exception_counts_more_than_one_of_closing(registry: AdapterRegistry) -> None:
    def open_adapter() -> Iterator[str]:
        try:
            yield "adapter"
        finally:
            raise OSError("no rollback")

    registry.bind(Files).to_factory(open_adapter)

    with pytest.raises(ValueError, match="the job") as raised:
        run_job(registry, Files, error=ValueError("the job"))

    assert raised.value.__notes__ == [
        "Closing an adapter failed as well: OSError: no rollback",
    ]


def test_an_adapter_that_fails_to_open_closes_those_before_it(
    registry: AdapterRegistry, events: list[str]
) -> None:
    def open_adapter() -> Iterator[str]:
        raise OSError("no connection")
        yield

    registry.bind(Files).to_factory(watched("files", events))
    registry.bind(Sales).to_factory(open_adapter)

    with pytest.raises(OSError, match="no connection"):
        run_job(registry, Files, Sales)

    assert events == ["open files", "files saw no connection", "close files"]


def test_what_is_not_bound_is_an_error_that_says_how_to_bind_it(registry: AdapterRegistry) -> None:
    with registry.container() as container, pytest.raises(AdapterMissing) as raised:
        container.get(Files)

    assert "jobs.adapters.bind(Files).to(your_object)" in str(raised.value)


def test_a_factory_that_returns_is_refused(registry: AdapterRegistry) -> None:
    registry.bind(Files).to_factory(lambda: iter([object()]))  # type: ignore[list-item]

    with registry.container() as container, pytest.raises(ConfigurationError, match="generator"):
        container.get(Files)


def test_a_later_binding_replaces_an_earlier_one(registry: AdapterRegistry) -> None:
    first: Any = "first"
    second: Any = "second"
    registry.bind(Files).to(first)
    registry.bind(Files).to(second)

    assert [bound.adapter for bound in registry] == ["second"]
    assert Files in registry
    assert Sales not in registry


def test_a_frozen_registry_takes_no_more_bindings(registry: AdapterRegistry) -> None:
    adapter: Any = object()
    registry.freeze()

    with pytest.raises(ApplicationFrozen, match="Files was bound after"):
        registry.bind(Files).to(adapter)
    with pytest.raises(ApplicationFrozen, match="Sales was bound after"):
        registry.bind(Sales).to_factory(lambda: iter(()))
