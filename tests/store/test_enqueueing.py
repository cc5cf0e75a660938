"""New jobs in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from tests.store.bench import Bench, failure

from jobkit.job import JobState
from jobkit.store import enqueueing, reading


def test_a_job_that_is_due_is_available(bench: Bench) -> None:
    id = bench.add(tenant_id="b1", payload='{"a":1}', priority=1, schedule="nightly")

    job = bench.job(id)
    assert job.state is JobState.AVAILABLE
    assert (job.task, job.queue, job.tenant_id) == ("shop.sell", "default", "b1")
    assert (job.payload, job.priority, job.schedule) == ('{"a":1}', 1, "nightly")
    assert (job.attempt, job.max_attempts, job.crashes) == (0, 3, 0)
    assert job.created_at == job.scheduled_at == bench.now
    assert job.started_at is job.finished_at is job.worker is job.result is None
    assert not job.cancel_requested


def test_a_job_for_later_is_scheduled(bench: Bench) -> None:
    id = bench.add(scheduled_at=bench.later(0.000001))

    assert bench.job(id).state is JobState.SCHEDULED


def test_many_jobs_are_stored_together_or_not_at_all(bench: Bench) -> None:
    first, second = bench.new(), bench.new()

    with pytest.raises(IntegrityError):
        bench.do(enqueueing.insert, [first, second, first], bench.now)
    bench.do(enqueueing.insert, [], bench.now)

    assert bench.see(reading.find, reading.JobFilter()) == []


def test_times_come_back_in_utc_to_the_microsecond(bench: Bench) -> None:
    moment = datetime(2031, 3, 30, 1, 59, 59, 123457, tzinfo=timezone(timedelta(hours=2)))

    id = bench.add(scheduled_at=moment)

    stored = bench.job(id).scheduled_at
    assert stored == moment
    assert stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(bench: Bench) -> None:
    naive = bench.new(scheduled_for=datetime(2031, 1, 1))

    with pytest.raises(StatementError, match="with a time zone"):
        bench.do(enqueueing.insert, [naive], bench.now)


def test_texts_come_back_as_they_were(bench: Bench) -> None:
    payload = '{"note": "caf\u00e9 \U0001f600 \u4e2d"}' + " " * 300_000

    id = bench.add(payload=payload, tenant_id="\u00c5se \U0001f600")

    assert bench.see(reading.raw_payload, id) == payload
    assert bench.job(id).tenant_id == "\u00c5se \U0001f600"


def test_a_payload_with_characters_that_no_database_takes_is_stored(bench: Bench) -> None:
    id = bench.add(payload='"\x00 \udc80"')

    assert bench.see(reading.raw_payload, id) == '"\\x00 \\udc80"'


def test_names_that_differ_in_letter_case_are_two(bench: Bench) -> None:
    bench.add(queue="Mail", task="shop.Sell")

    assert bench.claim("mail", tasks=("shop.Sell",)) is None
    assert bench.claim("Mail", tasks=("shop.sell",)) is None
    assert bench.claim("Mail", tasks=("shop.Sell",)) is not None


def test_a_foreign_message_makes_one_job_however_often_it_comes(bench: Bench) -> None:
    first, again = bench.new(foreign_id="celery-1"), bench.new(foreign_id="celery-1")

    assert bench.do(enqueueing.insert_foreign, first, bench.now)
    assert not bench.do(enqueueing.insert_foreign, again, bench.now)
    assert bench.do(enqueueing.insert_foreign, bench.new(foreign_id="CELERY-1"), bench.now)

    assert bench.job("celery-1").id == first.id


def test_a_repeated_foreign_message_leaves_the_transaction_usable(bench: Bench) -> None:
    bench.add(foreign_id="celery-1")
    other = bench.new()

    def both(conn: object) -> bool:
        new = enqueueing.insert_foreign(conn, bench.new(foreign_id="celery-1"), bench.now)
        enqueueing.insert(conn, [other], bench.now)
        return new

    assert not bench.database.write(both)
    assert bench.job(other.id).state is JobState.AVAILABLE


def test_a_foreign_message_does_not_hide_another_conflict(bench: Bench) -> None:
    there = bench.add()
    same_id = bench.new(foreign_id="celery-2", id=there)

    with pytest.raises(IntegrityError):
        bench.do(enqueueing.insert_foreign, same_id, bench.now)


def test_work_that_is_unique_is_stored_once(bench: Bench) -> None:
    bench.add(unique_key="report of May")
    bench.add(unique_key=None)
    bench.add(unique_key=None)

    with pytest.raises(IntegrityError):
        bench.add(unique_key="report of May")


def test_a_message_that_cannot_run_becomes_a_dead_letter_once(bench: Bench) -> None:
    told = failure(kind="error", type="InvalidPayload", message="field total is missing")
    job, again = bench.new(foreign_id="celery-1"), bench.new(foreign_id="celery-1")

    assert bench.do(enqueueing.insert_dead, job, "invalid", told, bench.now)
    assert not bench.do(enqueueing.insert_dead, again, "invalid", told, bench.now)

    dead = bench.job(job.id)
    assert (dead.state, dead.reason, dead.finished_at) == (JobState.DEAD, "invalid", bench.now)
    assert [one.message for one in dead.failures] == ["field total is missing"]
    assert bench.claim(hint=job.id) is None


def test_a_dead_letter_needs_no_foreign_message(bench: Bench) -> None:
    job = bench.new(unique_key="report of May")

    assert bench.do(enqueueing.insert_dead, job, "invalid", failure(), bench.now)

    assert bench.job(job.id).state is JobState.DEAD
    bench.add(unique_key="report of May")
