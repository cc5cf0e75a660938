"""`jobkit schedules`."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Run

from jobkit import Cron, Jobkit
from jobkit.cli.schedules import in_words


@pytest.fixture(autouse=True)
def nightly(jobs: Jobkit) -> None:
    jobs.schedules.add("nightly", "words.count_words", Cron("0 7 * * 1"), {"text": "a b"})


def test_schedules_are_listed_with_their_next_run(run: Run) -> None:
    ran = run("schedules", "list")
    (data,) = json.loads(run("schedules", "list", "--json").out)

    assert "At 07:00 on Monday (UTC)" in ran.out
    assert "added at run time" in ran.out
    assert (data["name"], data["task"], data["paused"]) == ("nightly", "words.count_words", False)
    assert data["next"].endswith("T07:00:00+00:00")


def test_a_run_is_enqueued_now(run: Run, jobs: Jobkit) -> None:
    ran = run("schedules", "run", "nightly")

    (job,) = jobs.find()
    assert ran.out == f"{job.id}\n"
    assert job.schedule == "nightly"


def test_a_schedule_is_paused_and_resumed(run: Run, jobs: Jobkit) -> None:
    paused = run("schedules", "pause", "nightly")
    assert jobs.schedules.paused() == {"nightly"}
    resumed = run("schedules", "resume", "nightly", "--json")

    assert paused.out == "nightly is paused\n"
    assert json.loads(resumed.out) == {"name": "nightly", "paused": False}
    assert jobs.schedules.paused() == set()


def test_a_range_is_backfilled(run: Run, jobs: Jobkit) -> None:
    span = ("--since", "2026-01-01T00:00Z", "--until", "2026-01-31T00:00Z")

    first = json.loads(run("schedules", "backfill", "nightly", *span, "--json").out)
    second = run("schedules", "backfill", "nightly", *span)

    assert len(first) == len(jobs.find()) == 4
    assert "nothing to run" in second.err


def test_the_next_runs_are_told_in_plain_words(run: Run) -> None:
    ran = run("schedules", "next", "nightly", "--count", "2")
    data = json.loads(run("schedules", "next", "nightly", "--json").out)

    assert ran.out.startswith("At 07:00 on Monday (UTC)\n  Monday ")
    assert len(ran.out.splitlines()) == 3
    assert len(data["next"]) == 5


def test_a_schedule_that_is_not_there_is_told(run: Run) -> None:
    ran = run("schedules", "pause", "weekly")

    assert (ran.code, "no schedule is named 'weekly'" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1, "in 1 second"), (59, "in 59 seconds"), (3600, "in 1 hour"), (90_000, "in 25 hours"),
     (200_000, "in 2 days")],
)  # fmt: skip
def test_how_long_is_said_in_the_largest_unit_that_tells(seconds: float, told: str) -> None:
    assert in_words(seconds) == told
