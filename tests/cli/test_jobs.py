"""`jobkit jobs`."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Run

from jobkit import Jobkit, JobState
from jobkit.testing import drain


def test_jobs_are_listed_the_newest_first(run: Run, jobs: Jobkit) -> None:
    first, second = (jobs.enqueue("words.count_words", text=text).id for text in ("a", "b"))

    ran = run("jobs", "list")

    assert ran.out.index(second) < ran.out.index(first)
    assert "words.count_words" in ran.out
    assert "available" in ran.out


def test_a_listing_of_nothing_says_so(run: Run) -> None:
    assert run("jobs", "list").out == "no jobs\n"


def test_jobs_are_chosen_by_what_they_are(run: Run, jobs: Jobkit) -> None:
    ours = jobs.enqueue("words.count_words", text="a", tenant_id="b1", queue="slow")
    jobs.enqueue("words.count_words", text="a", tenant_id="b2", queue="slow")
    jobs.enqueue("words.count_words", text="a", tenant_id="b1")
    jobs.enqueue("system.ping", queue="slow")

    ran = run(
        "jobs", "list", "--json", "--tenant", "b1", "--queue", "slow",
        "--task", "words.count_words", "--state", "available", "--state", "executing",
    )  # fmt: skip

    assert [job["id"] for job in json.loads(ran.out)] == [ours.id]


@pytest.mark.parametrize(("option", "found"), [("--since", 1), ("--until", 0)])
def test_jobs_are_chosen_by_their_time(run: Run, jobs: Jobkit, option: str, found: int) -> None:
    jobs.enqueue("words.count_words", text="a")

    assert len(json.loads(run("jobs", "list", "--json", option, "1h").out)) == found


def test_a_full_page_says_how_to_get_the_next(run: Run, jobs: Jobkit) -> None:
    first = jobs.enqueue("words.count_words", text="a").id
    second = jobs.enqueue("words.count_words", text="b").id

    page = run("jobs", "list", "--limit", "1")
    rest = run("jobs", "list", "--limit", "1", "--after", second, "--json")

    assert f"--after {second}" in page.err
    assert [job["id"] for job in json.loads(rest.out)] == [first]


def test_a_job_is_shown_with_its_result_and_without_its_secrets(run: Run, jobs: Jobkit) -> None:
    handle = jobs.enqueue("words.count_words", text="one two", password="hunter2")
    drain(jobs)

    shown = run("jobs", "show", handle.id)
    data = json.loads(run("jobs", "show", handle.id, "--json").out)

    assert "completed" in shown.out
    assert data["result"] == {"words": 2, "password": "[redacted]"}
    assert data["payload"]["password"] == "[redacted]"
    assert data["progress"] == {"done": 2, "of": 2, "note": None}
    assert "hunter2" not in shown.said + json.dumps(data)


def test_a_job_is_shown_with_what_went_wrong(run: Run, jobs: Jobkit) -> None:
    handle = jobs.enqueue("words.count_words", text="one", at_least=2, password="hunter2")
    drain(jobs)

    shown = run("jobs", "show", handle.id)
    (failure,) = json.loads(run("jobs", "show", handle.id, "--json").out)["failures"]

    assert "dead (permanent)" in shown.out
    assert "Traceback" in shown.out
    assert failure["message"] == "[redacted] is too short for None"
    assert "hunter2" not in shown.said


def test_what_a_user_typed_cannot_move_the_cursor(run: Run, jobs: Jobkit) -> None:
    handle = jobs.enqueue("words.count_words", text="a", at_least=9, tenant_id="\x1b[2Jgone")
    drain(jobs)

    shown = run("dead", "list").out + run("jobs", "show", handle.id).out

    assert shown.count("[2Jgone") >= 3
    assert "\x1b" not in shown


def test_an_unknown_job_is_told(run: Run) -> None:
    ran = run("jobs", "show", "nobody")

    assert ran.code == 1
    assert "no job has the id 'nobody'" in ran.err


def test_jobs_are_cancelled(run: Run, jobs: Jobkit) -> None:
    handle = jobs.enqueue("words.count_words", text="a")

    ran = run("jobs", "cancel", handle.id)

    assert ran.code == 0
    assert handle.state is JobState.CANCELLED


def test_a_cancelled_job_is_retried(run: Run, jobs: Jobkit) -> None:
    handle = jobs.enqueue("words.count_words", text="a")
    handle.cancel()

    ran = run("jobs", "retry", handle.id)

    assert ran.code == 0
    assert handle.state is JobState.AVAILABLE


@pytest.mark.parametrize(
    ("verb", "told"), [("cancel", "completed already"), ("retry", "can be retried")]
)
def test_one_job_that_cannot_be_changed_does_not_keep_the_others(
    run: Run, jobs: Jobkit, verb: str, told: str
) -> None:
    done = jobs.enqueue("words.count_words", text="a")
    drain(jobs)
    other = jobs.enqueue("words.count_words", text="b")
    if verb == "retry":
        other.cancel()

    ran = run("jobs", verb, "nobody", done.id, other.id)

    assert ran.code == 1
    assert "nobody" in ran.err
    assert told in ran.err
    assert other.state is (JobState.CANCELLED if verb == "cancel" else JobState.AVAILABLE)
