"""`jobkit ping`; the ping that is answered is in `test_processes`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.cli.conftest import Ran, Run
from tests.cli.test_looking import begin_work

from jobkit import Jobkit, JobState

Ping = Callable[[], Ran]


@pytest.fixture
def ping(run: Run) -> Ping:
    return lambda: run("ping", "--timeout", "0.05")


def test_a_ping_without_an_answer_says_what_to_look_at(ping: Ping) -> None:
    ran = ping()

    assert ran.code == 1
    assert "ok   store" in ran.err
    assert "BAD  broker: the embedded server" in ran.err
    assert "BAD  workers: none is alive" in ran.err
    assert "is available" in ran.err


def test_a_ping_that_nobody_waits_for_is_withdrawn(ping: Ping, jobs: Jobkit) -> None:
    ping()

    (job,) = jobs.find()
    assert job.state is JobState.CANCELLED


def test_a_queue_that_nobody_serves_is_named(ping: Ping, jobs: Jobkit) -> None:
    begin_work(jobs, "words")

    ran = ping()

    assert "ok   workers: alive: worker@here" in ran.err
    assert "BAD  queue: no living worker serves system" in ran.err


def test_quiet_workers_are_named(ping: Ping, jobs: Jobkit) -> None:
    begin_work(jobs, "system", quiet=True)

    assert "some are quiet" in ping().err


def test_busy_workers_are_named(ping: Ping, jobs: Jobkit) -> None:
    begin_work(jobs, "system", busy=2)

    assert "all 2 slots of the workers that serve system are busy" in ping().err


def test_idle_workers_are_not_blamed(ping: Ping, jobs: Jobkit) -> None:
    begin_work(jobs, "system", busy=1)

    assert "ok   queue: system is served, 1 of 2 slots busy" in ping().err


def test_the_diagnosis_is_there_as_json(run: Run) -> None:
    ran = run("ping", "--timeout", "0.05", "--json")

    told = json.loads(ran.out)
    assert ran.code == 1
    assert told["ok"] is False
    assert {part["part"]: part["ok"] for part in told["parts"]} == {
        "store": True, "broker": False, "workers": False, "job": False,
    }  # fmt: skip


def test_an_application_without_the_task_is_told_how_to_get_it(
    run: Run, jobkit_jobs: Callable[..., Jobkit], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli import cli_app

    bare = jobkit_jobs([cli_app.tasks])
    monkeypatch.setattr(cli_app, "bare", bare, raising=False)

    ran = run("ping", "--app", "tests.cli.cli_app:bare")

    assert ran.code == 2
    assert "add system.tasks to Jobkit" in ran.err
