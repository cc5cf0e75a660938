"""`jobkit tasks` and `jobkit queues`."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.cli.conftest import Run

from jobkit import Jobkit
from jobkit.store import workers
from jobkit.store.workers import WorkerRow


def begin_work(jobs: Jobkit, *queues: str, busy: int = 0, quiet: bool = False) -> WorkerRow:
    """Let a worker of two slots be alive, as far as the store knows."""
    jobs.start()
    now = jobs.clock.now()
    row = WorkerRow(
        id="w1", name="worker@here", host="here", pid=1, pool="prefork", concurrency=2,
        queues=queues, busy=busy, quiet=quiet, started_at=now, heartbeat_at=now,
        expires_at=now + timedelta(minutes=1),
    )  # fmt: skip
    jobs.database.write(lambda conn: workers.register(conn, row, now, 60))
    return row


def test_tasks_are_listed_with_what_they_say_of_themselves(run: Run) -> None:
    ran = run("tasks")

    assert "words.count_words" in ran.out
    assert "Count the words of a text." in ran.out
    assert "30 s" in ran.out


def test_tasks_as_json_have_their_policy_and_payload(run: Run) -> None:
    listed = {task["name"]: task for task in json.loads(run("tasks", "--json").out)}

    assert listed["words.count_words"]["retry"]["max_attempts"] == 3
    assert set(listed["words.count_words"]["payload"]["properties"]) == {
        "text", "at_least", "password", "tenant_id",
    }  # fmt: skip


def test_queues_are_listed_with_their_jobs_and_workers(run: Run, jobs: Jobkit) -> None:
    jobs.enqueue("words.count_words", text="a")
    jobs.enqueue("words.count_words", text="a", delay=60)
    jobs.enqueue("words.count_words", text="a", queue="slow")
    begin_work(jobs, "words", "system")

    listed = {queue["queue"]: queue for queue in json.loads(run("queues", "--json").out)}

    assert listed["words"] == {
        "queue": "words", "jobs": {"available": 1, "scheduled": 1}, "workers": 1,
    }  # fmt: skip
    assert listed["slow"] == {"queue": "slow", "jobs": {"available": 1}, "workers": 0}
    assert listed["system"] == {"queue": "system", "jobs": {}, "workers": 1}


def test_queues_make_a_table(run: Run, jobs: Jobkit) -> None:
    jobs.enqueue("words.count_words", text="a", queue="slow")

    lines = run("queues").out.splitlines()

    assert lines[0].split()[:2] == ["queue", "available"]
    assert ["slow", "1", "0", "0", "0", "0", "0"] in [line.split() for line in lines]
