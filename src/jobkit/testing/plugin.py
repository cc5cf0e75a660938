"""The pytest plugin: fixtures for applications, time and workers.

pytest loads this module in every run of every project that has jobkit installed, so it imports
nothing but pytest until a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.testing.draining import Drained
    from jobkit.testing.processes import WorkerProcess
    from jobkit.testing.travel import TimeTravel

# The contract suites are asserted in modules that are no test modules by their name.
pytest.register_assert_rewrite("jobkit.testing.contracts")


@pytest.fixture
def jobkit_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TimeTravel:
    """A clock that moves without sleeping: `jobkit_clock.travel(seconds)`.

    The applications of the fixtures beside it travel along, and so do processes started by the
    test.
    """
    from jobkit.testing.travel import TimeTravel

    travel = TimeTravel(tmp_path / "jobkit-clock")
    for name, value in travel.environment.items():
        monkeypatch.setenv(name, value)
    return travel


@pytest.fixture
def jobkit_jobs(
    tmp_path_factory: pytest.TempPathFactory, jobkit_clock: TimeTravel
) -> Iterator[Callable[..., Jobkit]]:
    """Make applications on empty stores: `jobkit_jobs([tasks], adapters={...}, **settings)`."""
    from jobkit.testing.fresh import fresh_jobs

    with ExitStack() as stack:

        def make(*given: Any, **options: Any) -> Jobkit:
            options.setdefault("folder", tmp_path_factory.mktemp("jobkit"))
            return stack.enter_context(fresh_jobs(*given, clock=jobkit_clock.clock, **options))

        yield make


@pytest.fixture
def jobkit_isolated(
    tmp_path_factory: pytest.TempPathFactory, jobkit_clock: TimeTravel
) -> Iterator[Callable[..., Jobkit]]:
    """Give your own application an empty store until the test ends: `jobkit_isolated(jobs)`."""
    from jobkit.testing.fresh import isolated

    with ExitStack() as stack:

        def isolate(jobs: Jobkit, **options: Any) -> Jobkit:
            options.setdefault("folder", tmp_path_factory.mktemp("jobkit"))
            return stack.enter_context(isolated(jobs, clock=jobkit_clock.clock, **options))

        yield isolate


@pytest.fixture
def jobkit_drain() -> Callable[..., Drained]:
    """Run what is enqueued, in this process: `jobkit_drain(jobs)`."""
    from jobkit.testing.draining import drain

    return drain


@pytest.fixture
def jobkit_worker(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., WorkerProcess]]:
    """Start real workers, killed when the test ends: `jobkit_worker("shop:jobs")`.

    Those of one test share a folder, and with it the store and the embedded server.
    """
    from jobkit.testing.processes import WorkerProcess

    folder = tmp_path_factory.mktemp("jobkit")
    with ExitStack() as stack:

        def start(app: str, **options: Any) -> WorkerProcess:
            options.setdefault("data_dir", folder)
            return stack.enter_context(WorkerProcess(app, **options))

        yield start
