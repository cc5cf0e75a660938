"""The worker's entry point; what a running worker does is tested with the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from jobkit import ConfigurationError, Jobkit, JobState, Settings
from jobkit.testing.processes import WorkerProcess
from jobkit.worker import fit_pool, queues_of, unique_name

APP = "tests.cli.cli_app:jobs"


def jobkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-m", "jobkit", *arguments],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": path, "JOBKIT_DATA_DIR": str(folder)},
    )  # fmt: skip


@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_green_pools_are_refused(pool: str) -> None:
    with pytest.raises(ConfigurationError, match="use prefork, threads or solo"):
        fit_pool(pool)


def test_windows_is_told_which_pool_works_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    assert fit_pool("threads") == "threads"
    with pytest.raises(ConfigurationError, match="--pool threads"):
        fit_pool("prefork")


def test_a_profile_says_which_queues_are_served(jobkit_jobs: Callable[..., Jobkit]) -> None:
    jobs = jobkit_jobs(worker_profiles={"fast": ("mail", "alerts"), "idle": ()})

    assert queues_of(jobs, "fast") == ["mail", "alerts"]
    with pytest.raises(ConfigurationError, match="the settings have fast, idle"):
        queues_of(jobs, "slow")
    with pytest.raises(ConfigurationError, match="names no queue"):
        queues_of(jobs, "idle")


def test_no_two_workers_have_one_name() -> None:
    assert unique_name("shop") != unique_name("shop")


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_an_application_with_faults_is_not_run(tmp_path: Path, command: str) -> None:
    ran = jobkit(tmp_path, command, "--app", "tests.broken_app:jobs")

    assert ran.returncode == 2
    assert "[adapter-missing]" in ran.stderr
    assert "[queue-unserved]" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_a_store_with_another_schema_is_not_worked_on(tmp_path: Path, command: str) -> None:
    jobs = Jobkit(Settings(_env_file=None, data_dir=tmp_path))
    jobs.start()
    jobs.database.write(
        lambda conn: conn.execute(text("UPDATE jobkit_version SET version_num = '9999'"))
    )
    jobs.close()

    ran = jobkit(tmp_path, command, "--app", APP)

    assert ran.returncode == 3
    assert "upgrade jobkit here" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_worker_serves_only_the_queues_it_is_told(tmp_path: Path) -> None:
    jobs = Jobkit(Settings(_env_file=None, data_dir=tmp_path), tasks=tasks())
    with WorkerProcess(APP, data_dir=tmp_path, queues=["words", "adhoc"]):
        heard = jobs.enqueue("words.count_words", text="one", queue="adhoc")
        unheard = jobs.enqueue("system.ping")

        assert heard.wait(20).state is JobState.COMPLETED
        assert unheard.state is JobState.AVAILABLE
    jobs.close()


def test_a_second_request_to_stop_does_not_wait_for_jobs(tmp_path: Path) -> None:
    jobs = Jobkit(Settings(_env_file=None, data_dir=tmp_path), tasks=tasks())
    with WorkerProcess(APP, data_dir=tmp_path) as worker:
        handle = jobs.enqueue("words.dawdle", seconds=60)
        wait_for(lambda: handle.state is JobState.EXECUTING)
        started = time.monotonic()

        worker.signal(signal.SIGTERM)
        wait_for(lambda: "Warm shutdown" in worker.log())
        assert worker.running
        worker.stop()

        assert time.monotonic() - started < 20
    assert handle.state is JobState.AVAILABLE
    assert handle.job().attempt == 0
    jobs.close()


def tasks() -> list[object]:
    from tests.cli import cli_app

    return cli_app.jobs.tasks.declared


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)
