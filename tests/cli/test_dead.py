"""`jobkit dead`."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Run

from jobkit import Jobkit, JobState
from jobkit.handle import JobHandle
from jobkit.job import Job
from jobkit.testing import drain


def bury(jobs: Jobkit, tenant: str | None = None) -> JobHandle[object]:
    """Return a job that has died."""
    handle = jobs.enqueue("words.count_words", text="a", at_least=2, tenant_id=tenant)
    drain(jobs)
    return handle


def states(*handles: JobHandle[object]) -> list[JobState]:
    return [handle.state for handle in handles]


def left(jobs: Jobkit) -> list[Job]:
    return jobs.find()


def test_dead_letters_are_listed_with_what_killed_them(run: Run, jobs: Jobkit) -> None:
    dead = bury(jobs)
    alive = jobs.enqueue("words.count_words", text="a")

    ran = run("dead", "list")
    (data,) = json.loads(run("dead", "list", "--json").out)

    assert dead.id in ran.out
    assert alive.id not in ran.out
    assert "PermanentError: None is too short" in ran.out
    assert data["failures"][0]["type"] == "PermanentError"


def test_there_may_be_none(run: Run) -> None:
    assert run("dead", "list").out == "no dead letters\n"
    assert json.loads(run("dead", "list", "--json").out) == []


def test_some_are_retried_by_id(run: Run, jobs: Jobkit) -> None:
    first, second = bury(jobs), bury(jobs)

    ran = run("dead", "retry", first.id)

    assert ran.out == "1 dead letters are available again\n"
    assert states(first, second) == [JobState.AVAILABLE, JobState.DEAD]


def test_some_are_retried_by_what_they_are(run: Run, jobs: Jobkit) -> None:
    ours, theirs = bury(jobs, tenant="b1"), bury(jobs, tenant="b2")

    run("dead", "retry", "--tenant", "b1")

    assert states(ours, theirs) == [JobState.AVAILABLE, JobState.DEAD]


def test_all_are_retried_but_not_what_was_cancelled(run: Run, jobs: Jobkit) -> None:
    first, second = bury(jobs), bury(jobs)
    cancelled = jobs.enqueue("words.count_words", text="a")
    cancelled.cancel()

    ran = run("dead", "retry", "--all")

    assert ran.out == "2 dead letters are available again\n"
    assert states(first, second) == [JobState.AVAILABLE] * 2
    assert cancelled.state is JobState.CANCELLED


def test_some_are_deleted_by_id(run: Run, jobs: Jobkit) -> None:
    first, second = bury(jobs), bury(jobs)

    ran = run("dead", "delete", first.id)

    assert ran.code == 0
    assert [job.id for job in left(jobs)] == [second.id]


def test_many_are_deleted_when_that_is_certain(run: Run, jobs: Jobkit) -> None:
    bury(jobs)
    bury(jobs)

    refused = run("dead", "delete", "--all")
    done = run("dead", "delete", "--all", "--yes")

    assert refused.code == 2
    assert "--yes" in refused.err
    assert done.out == "2 dead letters are deleted\n"
    assert left(jobs) == []


def test_what_is_not_dead_is_left_alone(run: Run, jobs: Jobkit) -> None:
    alive = jobs.enqueue("words.count_words", text="a")

    retried, deleted = run("dead", "retry", alive.id), run("dead", "delete", alive.id)

    assert (retried.code, deleted.code) == (1, 1)
    assert "available, not dead" in retried.err
    assert alive.state is JobState.AVAILABLE


@pytest.mark.parametrize("arguments", [[], ["some-id", "--all"], ["some-id", "--tenant", "b1"]])
@pytest.mark.parametrize("verb", ["retry", "delete"])
def test_it_does_not_guess_which_are_meant(run: Run, verb: str, arguments: list[str]) -> None:
    assert run("dead", verb, *arguments).code == 2
