"""`jobkit db` and `jobkit prune`."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from tests.cli.conftest import Run

from jobkit import Jobkit
from jobkit.store.schema import HEAD
from jobkit.testing import TimeTravel, drain

DAY = 86_400


def make_newer(jobs: Jobkit) -> None:
    """Let the store look as if a later release had migrated it."""
    jobs.start()
    jobs.database.write(
        lambda conn: conn.execute(text("UPDATE jobkit_version SET version_num = '9999'"))
    )


def test_an_empty_store_is_migrated_once(run: Run) -> None:
    before = run("db", "status")
    first, second = run("db", "upgrade"), run("db", "upgrade")
    after = run("db", "status")

    assert (before.code, after.code) == (3, 0)
    assert "run `jobkit db upgrade`" in before.out
    assert f"schema {HEAD} now, and had none" in first.out
    assert f"schema {HEAD} already" in second.out


def test_the_status_is_there_as_json(run: Run) -> None:
    run("db", "upgrade")

    told = json.loads(run("db", "status", "--json").out)

    assert (told["current"], told["head"], told["is_current"]) == (HEAD, HEAD, True)


def test_a_store_of_a_later_release_is_left_alone(run: Run, jobs: Jobkit) -> None:
    make_newer(jobs)

    status, upgraded = run("db", "status"), run("db", "upgrade")

    assert (status.code, upgraded.code) == (3, 3)
    assert "upgrade jobkit here" in status.out
    assert "upgrade jobkit here" in upgraded.err


@pytest.mark.parametrize(("days", "left"), [(6, 1), (8, 0)])
def test_what_ended_long_ago_is_deleted(
    run: Run, jobs: Jobkit, jobkit_clock: TimeTravel, days: float, left: int
) -> None:
    jobs.enqueue("words.count_words", text="a")
    drain(jobs)
    jobkit_clock.travel(days * DAY)

    ran = run("prune")

    assert ran.out == f"{1 - left} jobs are deleted\n"
    assert len(jobs.find()) == left
