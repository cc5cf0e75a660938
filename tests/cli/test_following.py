"""`--follow`: a job until it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jobkit import Jobkit, JobState
from jobkit.cli import following
from jobkit.cli.following import bar_values, follow
from jobkit.job import Failure, Job, Progress


class Scripted:
    """Stand in for a handle whose job is a step further at each look."""

    def __init__(self, first: Job, *steps: dict[str, Any]) -> None:
        self.id, self.task = first.id, first.task
        self._looks = [replace(first, **step) for step in steps]

    def job(self) -> Job:
        return self._looks.pop(0)


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY", 0.001)
    monkeypatch.setattr(following, "_UNHEARD_AFTER", 0.0)


@pytest.fixture
def first(jobs: Jobkit) -> Job:
    return jobs.enqueue("words.count_words", text="one two").job()


def step(jobs: Jobkit, state: JobState, done: int | None = None) -> dict[str, Any]:
    come = None if done is None else Progress(done, 4, "counting", jobs.clock.now())
    return {"state": state, "progress": come}


def failure(jobs: Jobkit) -> Failure:
    return Failure(1, jobs.clock.now(), "error", "ValueError", "no\nway", None)


Capture = pytest.CaptureFixture[str]


def test_a_job_that_completes_is_followed_to_its_result(
    jobs: Jobkit, first: Job, capsys: Capture
) -> None:
    handle = Scripted(
        first,
        step(jobs, JobState.EXECUTING, 1),
        step(jobs, JobState.COMPLETED, 4) | {"result": '{"words": 2}'},
    )

    code = follow(jobs, handle)  # type: ignore[arg-type]

    shown = capsys.readouterr()
    assert code == 0
    assert shown.out == '{"words": 2}\n'
    assert "executing, counting, 1 of 4" in shown.err
    assert "completed, counting, 4 of 4" in shown.err


@pytest.mark.parametrize("state", [JobState.DEAD, JobState.CANCELLED])
def test_a_job_without_a_result_fails_the_command(
    jobs: Jobkit, first: Job, capsys: Capture, state: JobState
) -> None:
    ended = {"reason": "exhausted", "failures": (failure(jobs),)} if state == "dead" else {}
    handle = Scripted(first, step(jobs, state) | ended)

    code = follow(jobs, handle)  # type: ignore[arg-type]

    shown = capsys.readouterr()
    assert code == 1
    assert f"is {state}" in shown.err
    assert ("ValueError: no" in shown.err) is (state == "dead")
    assert shown.out == ""


def test_a_failed_attempt_is_told(jobs: Jobkit, first: Job, capsys: Capture) -> None:
    failed = {"failures": (failure(jobs),), "attempt": 1}
    handle = Scripted(
        first, step(jobs, JobState.RETRYABLE) | failed, step(jobs, JobState.CANCELLED)
    )

    follow(jobs, handle)  # type: ignore[arg-type]

    assert "retryable, attempt 1 of 3, after ValueError: no\n" in capsys.readouterr().err


def test_a_job_that_nobody_hears_is_told(jobs: Jobkit, first: Job, capsys: Capture) -> None:
    handle = Scripted(
        first,
        step(jobs, JobState.AVAILABLE),
        step(jobs, JobState.AVAILABLE),
        step(jobs, JobState.CANCELLED),
    )

    follow(jobs, handle)  # type: ignore[arg-type]

    assert "no worker serves the queue words now" in capsys.readouterr().err


def test_ctrl_c_leaves_the_job_alone(jobs: Jobkit, first: Job, capsys: Capture) -> None:
    class Impatient(Scripted):
        def job(self) -> Job:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(jobs, Impatient(first))  # type: ignore[arg-type]

    assert f"the job goes on; see `jobkit jobs show {first.id}`" in capsys.readouterr().err


def test_a_terminal_gets_a_bar(
    jobs: Jobkit, first: Job, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    handle = Scripted(
        first,
        step(jobs, JobState.EXECUTING, 1),
        step(jobs, JobState.COMPLETED, 4) | {"result": "2"},
    )

    code = follow(jobs, handle)  # type: ignore[arg-type]

    assert code == 0
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "done", "values"),
    [
        (JobState.AVAILABLE, None, {"completed": 0, "total": None}),
        (JobState.EXECUTING, 1, {"completed": 1, "total": 4}),
        (JobState.COMPLETED, None, {"completed": 1, "total": 1}),
    ],
)
def test_a_bar_is_as_long_as_its_job(
    jobs: Jobkit, first: Job, state: JobState, done: int | None, values: dict[str, Any]
) -> None:
    assert bar_values(replace(first, **step(jobs, state, done))) == values
