"""`jobkit enqueue`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli import cli_app
from tests.cli.conftest import Run

from jobkit import Jobkit, JobState, Priority, Settings


def test_a_job_is_stored_and_its_id_printed(run: Run, jobs: Jobkit) -> None:
    ran = run("enqueue", "words.count_words", "text=one two")

    job = jobs.look_up(ran.out.strip())
    assert ran.code == 0
    assert json.loads(job.payload)["text"] == "one two"
    assert job.state is JobState.AVAILABLE


def test_who_would_wait_for_ever_is_told(run: Run) -> None:
    ran = run("enqueue", "words.count_words", "text=one")

    assert "no worker serves the queue words" in ran.err


def test_a_second_job_of_a_key_is_the_first(run: Run, jobs: Jobkit) -> None:
    once = ("enqueue", "words.count_words", "text=one", "--idempotency-key", "request 1")

    first, second = run(*once), run(*once)

    assert first.out == second.out
    assert "is queued already" in second.err
    assert "is queued already" not in first.err
    assert len(jobs.find()) == 1


def test_a_field_may_be_json(run: Run, jobs: Jobkit) -> None:
    ran = run("enqueue", "words.count_words", "text=one", "at_least:=2", "tenant_id:=null")

    payload = json.loads(jobs.look_up(ran.out.strip()).payload)
    assert (payload["at_least"], payload["tenant_id"]) == (2, None)


def test_an_equals_sign_in_a_value_is_the_values(run: Run, jobs: Jobkit) -> None:
    ran = run("enqueue", "words.count_words", "text=a=b:=c")

    assert json.loads(jobs.look_up(ran.out.strip()).payload)["text"] == "a=b:=c"


def test_the_payload_may_be_json_with_fields_on_top(run: Run, jobs: Jobkit) -> None:
    whole = '{"text": "one", "at_least": 1}'

    ran = run("enqueue", "words.count_words", "at_least=2", "--json", whole)

    payload = json.loads(jobs.look_up(ran.out.strip()).payload)
    assert (payload["text"], payload["at_least"]) == ("one", 2)


def test_the_payload_may_come_from_standard_input(run: Run, jobs: Jobkit) -> None:
    ran = run("enqueue", "words.count_words", "--json", "-", stdin='{"text": "quiet"}')

    assert json.loads(jobs.look_up(ran.out.strip()).payload)["text"] == "quiet"


def test_a_dry_run_shows_the_job_and_stores_nothing(run: Run, jobs: Jobkit) -> None:
    ran = run(
        "enqueue", "words.count_words", "text=one", "password=hunter2", "--dry-run",
        "--queue", "slow", "--priority", "high", "--max-attempts", "7",
    )  # fmt: skip

    shown = json.loads(ran.out)
    assert ran.code == 0
    assert (shown["queue"], shown["priority"], shown["max_attempts"]) == ("slow", "high", 7)
    assert shown["payload"]["password"] == "[redacted]"
    assert "hunter2" not in ran.said
    assert jobs.find() == []


def test_a_job_can_be_delayed(run: Run, jobs: Jobkit) -> None:
    ran = run("enqueue", "words.count_words", "text=one", "--delay", "2h")

    job = jobs.look_up(ran.out.strip())
    assert job.state is JobState.SCHEDULED
    assert timedelta(hours=1.9) < job.scheduled_at - jobs.clock.now() <= timedelta(hours=2)


def test_a_job_can_be_given_a_moment_a_queue_and_a_priority(run: Run, jobs: Jobkit) -> None:
    ran = run(
        "enqueue", "words.count_words", "text=one", "--at", "2090-01-31T09:00+01:00",
        "--queue", "slow", "--priority", "critical",
    )  # fmt: skip

    job = jobs.look_up(ran.out.strip())
    assert job.scheduled_at == datetime(2090, 1, 31, 8, tzinfo=UTC)
    assert (job.queue, job.priority) == ("slow", Priority.CRITICAL)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["words.count", "text=one"], "no task is named 'words.count'"),
        (["words.count_words"], "text"),
        (["words.count_words", "text"], "'text' is no field"),
        (["words.count_words", "=one"], "is no field"),
        (["words.count_words", "text:=one"], "the value of text is no JSON"),
        (["words.count_words", "--json", "[]"], "--json takes an object"),
        (["words.count_words", "text=one", "colour=red"], "colour"),
        (["words.count_words", "text=one", "--delay", "soon"], "'soon' is no span of time"),
        (["words.count_words", "text=one", "--at", "noon"], "'noon' is no moment"),
        (["words.count_words", "text=one", "--delay", "1m", "--at", "2090-01-01"], "not both"),
    ],
)
def test_what_cannot_be_enqueued_is_told_in_one_line(
    run: Run, jobs: Jobkit, arguments: list[str], told: str
) -> None:
    ran = run("enqueue", *arguments)

    assert ran.code == 2
    assert told in ran.err
    assert len(ran.err.splitlines()) == 1
    assert jobs.find() == []


def test_a_refused_secret_is_not_shown(run: Run) -> None:
    ran = run("enqueue", "words.count_words", "text=one", 'password:=["hunter2"]')

    assert ran.code == 2
    assert "password" in ran.err
    assert "hunter2" not in ran.said


def test_what_is_not_stored_cannot_be_followed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = Jobkit(Settings(_env_file=None, data_dir=tmp_path), tasks=[cli_app.tasks])
    monkeypatch.setattr(cli_app, "loose", loose, raising=False)

    ran = run("enqueue", "words.mumble", "seconds=1", "-f", "--app", "tests.cli.cli_app:loose")

    assert ran.code == 2
    assert "words.mumble is not durable" in ran.err
