from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.testing.worker_app import tasks, tell

from jobkit.app import Jobkit
from jobkit.settings import Settings
from jobkit.testing import TimeTravel, WorkerProcess

APP = "tests.testing.worker_app:jobs"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def worker(folder: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(APP, data_dir=folder, cwd=ROOT, env={"KIT_WORD": "akwaaba"}) as worker:
        yield worker


@pytest.fixture
def jobs(folder: Path) -> Iterator[Jobkit]:
    jobs = Jobkit(Settings(data_dir=folder), tasks=[tasks])
    yield jobs
    jobs.close()


def group_lives(pgid: int) -> bool:
    try:
        os.killpg(pgid, 0)
    except ProcessLookupError:
        return False
    return True


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_real_worker_runs_a_job_in_its_own_process(worker: WorkerProcess, jobs: Jobkit) -> None:
    told = jobs.enqueue(tell).result(timeout=20)

    assert told["word"] == "akwaaba"
    assert told["pid"] not in (os.getpid(), worker.pid)
    assert "ready" in worker.log()


def test_a_worker_that_is_killed_takes_its_children_along(worker: WorkerProcess) -> None:
    worker.kill()

    until(lambda: not group_lives(worker.pid))
    assert worker.exit_code == -signal.SIGKILL
    assert not worker.running


def test_a_worker_stops_when_asked(worker: WorkerProcess) -> None:
    assert worker.stop() == 0
    assert not worker.running
    # Looked at twice, and killed afterwards: it has ended all the same.
    assert worker.exit_code == 0
    worker.kill()
    assert worker.exit_code == 0


def test_a_worker_that_does_not_start_shows_its_log(folder: Path) -> None:
    worker = WorkerProcess("tests.testing.worker_app:nothing", data_dir=folder, cwd=ROOT)

    with pytest.raises(AssertionError, match=r"(?s)the worker ended with \d.*nothing"):
        worker.start()

    worker.kill()


def test_variables_of_the_test_do_not_reach_the_worker(
    jobkit_worker: Callable[..., WorkerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBKIT_STORE_URL", "postgresql://shop@db.invalid/production")

    # It would not become ready on such a store.
    worker = jobkit_worker(APP, cwd=ROOT, pool="solo")

    assert worker.running


def test_a_worker_travels_in_time_with_the_test(
    jobkit_worker: Callable[..., WorkerProcess], jobkit_clock: TimeTravel
) -> None:
    worker = jobkit_worker(APP, cwd=ROOT, pool="threads")
    jobs = Jobkit(Settings(data_dir=worker.data_dir), tasks=[tasks], clock=jobkit_clock.clock)
    handle = jobs.enqueue(tell, delay=timedelta(days=2))

    jobkit_clock.travel(timedelta(days=2))

    assert handle.result(timeout=20)["pid"] == worker.pid
    jobs.close()
