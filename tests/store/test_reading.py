"""Jobs as people see them."""

from __future__ import annotations

import json

from tests.store.bench import Bench, failure

from jobkit.job import JobState
from jobkit.store import outcomes, progress, reading
from jobkit.store.reading import JobFilter


def ids(bench: Bench, where: JobFilter, **options: object) -> list[str]:
    return [job.id for job in bench.see(reading.find, where, **options)]


def test_what_is_not_there_is_none(bench: Bench) -> None:
    assert bench.see(reading.get, "no such job") is None
    assert bench.see(reading.raw_payload, "no such job") is None
    assert bench.see(reading.state_of, "no such job") is None


def test_a_job_is_found_by_its_foreign_id(bench: Bench) -> None:
    id = bench.add(foreign_id="celery-1")

    assert bench.job("celery-1").id == id
    assert bench.job("celery-1").foreign_id == "celery-1"


def test_private_values_are_not_shown(bench: Bench) -> None:
    id = bench.add(payload='{"pin": {"$private": "sealed"}, "shop": 1}')

    assert json.loads(bench.job(id).payload) == {"pin": "[redacted]", "shop": 1}
    assert "sealed" in bench.see(reading.raw_payload, id)


def test_jobs_are_chosen_by_what_they_are(bench: Bench) -> None:
    plain = bench.add()
    mail = bench.add(queue="mail", task="mail.send", tenant_id="b1")
    dead = bench.dead(tenant_id="b2")
    done = bench.completed()

    assert ids(bench, JobFilter(states=[JobState.DEAD, JobState.COMPLETED])) == [done, dead]
    assert ids(bench, JobFilter(tasks=["mail.send"])) == [mail]
    assert ids(bench, JobFilter(queues={"mail", "other"})) == [mail]
    assert ids(bench, JobFilter(tenant_id="b1")) == [mail]
    assert ids(bench, JobFilter(reason="permanent")) == [dead]
    assert ids(bench, JobFilter(states=[JobState.DEAD], tenant_id="b1")) == []
    assert ids(bench, JobFilter()) == [done, dead, mail, plain]


def test_jobs_are_chosen_by_when_they_were_made(bench: Bench) -> None:
    first = bench.add()
    bench.wait(10)
    second = bench.add()
    bench.wait(10)
    third = bench.add()

    between = JobFilter(created_after=bench.later(-20), created_before=bench.now)

    assert ids(bench, between) == [second]
    assert ids(bench, JobFilter(created_after=bench.later(-15))) == [third, second]
    assert ids(bench, JobFilter(created_before=bench.later(-15))) == [first]


def test_pages_follow_each_other_without_gaps(bench: Bench) -> None:
    added = [bench.add() for _ in range(5)]
    where = JobFilter()

    first = ids(bench, where, limit=2)
    bench.add()
    second = ids(bench, where, limit=2, after=first[-1])
    third = ids(bench, where, limit=2, after=second[-1])

    assert first + second + third == added[::-1]
    assert ids(bench, where, limit=2, newest_first=False) == added[:2]
    assert ids(bench, where, limit=2, after=added[1], newest_first=False) == added[2:4]


def test_a_listing_shows_progress_and_leaves_failures_out(bench: Bench) -> None:
    claim = bench.claimed()
    bench.do(progress.write, claim.id, claim.token, 3, 4, "rows", bench.now)
    again = {"at": bench.later(5), "counted": True, "failure": failure(), "now": bench.now}
    bench.do(outcomes.retry, claim.id, claim.token, **again)

    (listed,) = bench.see(reading.find, JobFilter())

    assert listed.progress.fraction == 0.75
    assert listed.failures == ()
    assert len(bench.job(claim.id).failures) == 1


def test_jobs_are_counted_by_queue_and_state(bench: Bench) -> None:
    assert bench.see(reading.counts) == {}
    bench.add()
    bench.add()
    bench.completed(queue="mail")

    assert bench.see(reading.counts) == {
        "default": {JobState.AVAILABLE: 2},
        "mail": {JobState.COMPLETED: 1},
    }


def test_the_state_alone_can_be_asked_for(bench: Bench) -> None:
    assert bench.see(reading.state_of, bench.dead()) is JobState.DEAD
