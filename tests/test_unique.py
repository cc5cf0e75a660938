"""Which jobs are the same work: the policy, and the keys that are made of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobkit.app import Jobkit
from jobkit.clock import Clock
from jobkit.context import JobContext
from jobkit.errors import ConfigurationError, DuplicateJob, EnqueueError
from jobkit.job import PENDING, JobState
from jobkit.payload import Payload
from jobkit.privacy import Cipher, Secret
from jobkit.queues import Priority
from jobkit.store import scheduling
from jobkit.store.schema import jobs as jobs_table
from jobkit.task import TaskSet
from jobkit.testing import TimeTravel, drain, fresh_jobs
from jobkit.unique import Unique

KEYS = ("the newest key of the shop, long enough", "an older key of the shop, long enough")


class Order(Payload):
    """Which order it is about."""

    tenant_id: str = "b1"
    number: int = 7
    note: str = ""
    at: datetime | None = None
    tags: frozenset[str] = frozenset()


class Login(Payload):
    """Carry something that must not be seen."""

    user: str = "ama"
    password: Secret[str]


tasks = TaskSet("shop")
BY = ("tenant_id", "number")


@tasks.task(unique_by=BY)
def keep(payload: Order) -> None:
    """Keep the first."""


@tasks.task(unique=Unique(by=BY, on_conflict="replace"))
def follow(payload: Order) -> str:
    """Let the last one replace the first."""
    return payload.note


@tasks.task(unique=Unique(by=BY, on_conflict="debounce"))
def calm(payload: Order) -> str:
    """Wait until it is calm."""
    return payload.note


@tasks.task(unique=Unique(by=BY, on_conflict="reject"))
def refuse(payload: Order) -> None:
    """Take no second one."""


@tasks.task(unique=Unique(by=BY, period=3600, states=("executing", "completed")))
def hourly(payload: Order) -> None:
    """Run once an hour, done or not."""


@tasks.task(unique=Unique())
def alone(payload: Order) -> None:
    """Be the only job of its task."""


@tasks.task(unique_by=("at", "tags"))
def by_all(payload: Order) -> None:
    """Be unique by what is written in several ways."""


@tasks.task(unique_by=("password",))
def log_in(payload: Login) -> None:
    """Log in once."""


@tasks.task()
def plain(payload: Order) -> None:
    """Be as many as there are."""


@tasks.task(unique_by=("number",))
def again(payload: Order, *, job: JobContext) -> None:
    """Enqueue itself, a job that rejects, and one of each kind."""
    if payload.note != "last":
        job.enqueue(again, Order(number=payload.number, note="last"))
        job.enqueue(refuse, Order())
        job.enqueue(keep, Order())
        job.enqueue(plain, Order(), idempotency_key="one")


@pytest.fixture
def jobs(jobkit_clock: TimeTravel) -> Iterator[Jobkit]:
    with fresh_jobs([tasks], clock=jobkit_clock.clock, secret_keys=KEYS[:1]) as jobs:
        yield jobs


def stored(jobs: Jobkit) -> int:
    return len(jobs.find(limit=1000))


def key_of(jobs: Jobkit, id: str) -> str | None:
    query = jobs_table.select().where(jobs_table.c.id == id)
    key: str | None = jobs.database.fetch(lambda conn: conn.execute(query).one().unique_key)
    return key


# The policy


def test_the_waiting_states_always_count() -> None:
    assert Unique().counted == PENDING | {JobState.EXECUTING}
    assert Unique(on_conflict="debounce").counted == PENDING
    assert Unique(states=()).counted == PENDING
    assert JobState.COMPLETED in Unique(states=("executing", "completed")).counted


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"by": "tenant_id"}, r"write \('tenant_id',\)"),
        ({"on_conflict": "ignore"}, "one of keep, replace, debounce, reject"),
        ({"period": 0.5}, "a second or more"),
        ({"states": "completed"}, r"write \('completed',\)"),
        ({"states": ("finished",)}, "choose from waiting"),
        ({"states": ("completed",)}, "and not 'executing'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Unique(**policy)


def test_a_host_configures_it(jobs: Jobkit) -> None:
    jobs.configure("shop.keep", unique=Unique(by=("number",), on_conflict="reject"))
    jobs.configure("shop.refuse", unique_by=())

    jobs.enqueue(keep, Order())
    with pytest.raises(DuplicateJob):
        jobs.enqueue(keep, Order(tenant_id="b2"))
    assert not jobs.enqueue(refuse, Order()).duplicate
    assert not jobs.enqueue(refuse, Order()).duplicate


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"unique_by": ("number",), "unique": Unique()}, "not both"),
        ({"unique": ("number",)}, r"unique takes Unique\(by=...\)"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(policy: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        keep.with_policy(**policy)


# Keep


def test_a_second_job_is_the_first(jobs: Jobkit) -> None:
    first = jobs.enqueue(keep, Order(note="first"))
    second = jobs.enqueue(keep, Order(note="second"))

    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.id == first.id
    assert "first" in second.job().payload
    assert stored(jobs) == 1


@pytest.mark.parametrize("other", [Order(number=8), Order(tenant_id="b2")])
def test_another_value_is_other_work(jobs: Jobkit, other: Order) -> None:
    jobs.enqueue(keep, Order())

    assert not jobs.enqueue(keep, other).duplicate


def test_it_counts_until_the_job_has_ended(jobs: Jobkit) -> None:
    jobs.enqueue(keep, Order())
    drain(jobs)

    assert not jobs.enqueue(keep, Order()).duplicate


def test_a_cancelled_job_makes_room(jobs: Jobkit) -> None:
    jobs.enqueue(keep, Order()).cancel()

    assert not jobs.enqueue(keep, Order()).duplicate


def test_of_many_equal_ones_one_is_stored(jobs: Jobkit) -> None:
    numbers = [3, 1, 2, 1, 3]

    handles = jobs.enqueue_many(keep, [Order(number=number) for number in numbers])

    assert [handle.duplicate for handle in handles].count(True) == 2
    assert handles[1].id == handles[3].id
    assert [json.loads(one.job().payload)["number"] for one in handles] == numbers
    assert stored(jobs) == 3


def test_a_task_may_be_alone(jobs: Jobkit) -> None:
    jobs.enqueue(alone, Order())

    assert jobs.enqueue(alone, Order(number=8)).duplicate


def test_an_asynchronous_host_is_told_too(jobs: Jobkit) -> None:
    first = asyncio.run(jobs.aenqueue(keep, Order()))
    second = asyncio.run(jobs.aenqueue("shop.keep", number=7))

    assert (second.id, second.duplicate) == (first.id, True)


def test_nobody_is_rung_for_a_duplicate() -> None:
    rung: list[str] = []
    with fresh_jobs([tasks]) as jobs:
        jobs._ringer = lambda queue, times: rung.append(queue)
        jobs.enqueue(keep, Order())
        jobs.enqueue(keep, Order())
        jobs.enqueue(follow, Order(), queue="rush", delay=60)
        jobs.enqueue(follow, Order(), queue="rush")

    assert rung == ["shop", "rush"]


# Replace


def test_the_last_replaces_one_that_waits(jobs: Jobkit) -> None:
    first = jobs.enqueue(follow, Order(note="first"), delay=60)

    second = jobs.enqueue(follow, Order(note="second"), priority=Priority.HIGH, max_attempts=2)

    assert (second.id, second.duplicate) == (first.id, True)
    job = first.job()
    assert (job.state, job.priority, job.max_attempts) == (
        JobState.AVAILABLE, Priority.HIGH, 2,
    )  # fmt: skip
    drain(jobs)
    assert first.result(timeout=0) == "second"


# Debounce


def test_a_debounced_job_is_put_off(jobs: Jobkit, jobkit_clock: TimeTravel) -> None:
    first = jobs.enqueue(calm, Order(note="first"), delay=10)
    jobkit_clock.travel(8)

    second = jobs.enqueue(calm, Order(note="second"), delay=10)

    assert (second.id, second.duplicate) == (first.id, True)
    assert (first.job().scheduled_at - jobkit_clock.now()).total_seconds() == pytest.approx(
        10, abs=2
    )
    assert first.state is JobState.SCHEDULED
    assert "first" in first.job().payload


def test_a_debounced_job_never_comes_earlier(jobs: Jobkit) -> None:
    first = jobs.enqueue(calm, Order(), delay=600)
    planned = first.job().scheduled_at

    jobs.enqueue(calm, Order())

    assert first.job().scheduled_at == planned


def test_an_available_job_is_put_off_too(jobs: Jobkit) -> None:
    first = jobs.enqueue(calm, Order())

    jobs.enqueue(calm, Order(), delay=600)

    assert first.state is JobState.SCHEDULED


# Reject


def test_a_rejected_job_names_the_other(jobs: Jobkit) -> None:
    first = jobs.enqueue(refuse, Order())

    with pytest.raises(DuplicateJob, match="is queued already") as refused:
        jobs.enqueue(refuse, Order())

    assert refused.value.job_id == first.id


def test_of_many_none_is_stored_when_one_is_rejected(jobs: Jobkit) -> None:
    with pytest.raises(DuplicateJob):
        jobs.enqueue_many(refuse, [Order(number=1), Order(number=2), Order(number=1)])

    assert stored(jobs) == 0


# Periods and states


def test_a_completed_job_counts_until_its_period_is_over(
    jobs: Jobkit, jobkit_clock: TimeTravel
) -> None:
    into_the_hour = jobkit_clock.now().timestamp() % 3600
    jobkit_clock.travel(3600 - into_the_hour + 60)
    first = jobs.enqueue(hourly, Order())
    drain(jobs)
    jobkit_clock.travel(1800)
    second = jobs.enqueue(hourly, Order())
    jobkit_clock.travel(1800)
    third = jobs.enqueue(hourly, Order())

    assert second.id == first.id
    assert second.state is JobState.COMPLETED
    assert not third.duplicate


def test_a_cancelled_job_does_not_count_where_only_completed_ones_do(jobs: Jobkit) -> None:
    jobs.enqueue(hourly, Order()).cancel()

    assert not jobs.enqueue(hourly, Order()).duplicate


# Idempotency keys


def test_an_idempotency_key_holds_also_once_the_job_is_done(jobs: Jobkit) -> None:
    first = jobs.enqueue(plain, Order(), idempotency_key="request 1")
    drain(jobs)

    second = jobs.enqueue("shop.plain", number=8, idempotency_key="request 1")

    assert (second.id, second.duplicate) == (first.id, True)
    assert second.state is JobState.COMPLETED
    assert not jobs.enqueue(plain, Order(), idempotency_key="request 2").duplicate


def test_tenants_and_tasks_do_not_share_keys(jobs: Jobkit) -> None:
    jobs.enqueue(plain, Order(), idempotency_key="1")

    assert not jobs.enqueue(plain, Order(tenant_id="b2"), idempotency_key="1").duplicate
    assert not jobs.enqueue(follow, Order(), idempotency_key="1").duplicate


def test_an_idempotency_key_goes_before_the_policy(jobs: Jobkit) -> None:
    jobs.enqueue(refuse, Order(), idempotency_key="1")

    assert jobs.enqueue(refuse, Order(), idempotency_key="1").duplicate
    assert not jobs.enqueue(refuse, Order()).duplicate


@pytest.mark.parametrize("key", ["", 7])
def test_a_key_is_a_text(jobs: Jobkit, key: Any) -> None:
    with pytest.raises(EnqueueError, match="idempotency_key takes a text"):
        jobs.enqueue("shop.plain", Order(), idempotency_key=key)


def test_a_key_is_for_one_job(jobs: Jobkit) -> None:
    with pytest.raises(EnqueueError, match="stands for one job"):
        jobs.enqueue_many(plain, [Order(), Order()], idempotency_key="1")


# From inside a job, from schedules


def test_a_duplicate_does_not_fail_the_job_that_enqueues_it(jobs: Jobkit) -> None:
    first = jobs.enqueue(again, Order())
    waiting = jobs.enqueue(keep, Order())
    jobs.enqueue(refuse, Order())

    drained = drain(jobs)

    # Itself twice: the first was done when the second was stored.
    assert drained.completed == 5
    assert first.state is waiting.state is JobState.COMPLETED


def test_a_run_of_a_schedule_is_the_job_that_is_there(jobs: Jobkit) -> None:
    jobs.start()
    first = jobs.enqueue(refuse, Order())
    now = jobs.clock.now()
    row = replace(jobs.submission.build(refuse, Order(), {}, now), schedule="nightly")

    assert jobs.database.write(lambda conn: scheduling.due_run(conn, "nightly", now, row, now))
    assert not jobs.database.write(lambda conn: scheduling.due_run(conn, "nightly", now, row, now))

    assert [job.id for job in jobs.find()] == [first.id]


def test_a_run_counts_to_the_period_it_was_due_in(jobs: Jobkit) -> None:
    due = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    build = jobs.submission.build

    late = build(hourly, Order(), {}, due)

    assert late.unique_key == build(hourly, Order(), {}, due - timedelta(minutes=58)).unique_key
    assert late.unique_key != build(hourly, Order(), {}, due + timedelta(minutes=2)).unique_key
    assert late.scheduled_for == due


# Keys


def test_equal_values_have_equal_keys(jobs: Jobkit) -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    east = noon.astimezone(datetime.strptime("+0300", "%z").tzinfo)
    jobs.enqueue(by_all, Order(at=noon, tags=frozenset("abcdef")))

    assert jobs.enqueue(by_all, Order(at=east, tags=frozenset("fedcba"))).duplicate


def test_sets_have_the_same_key_in_every_process(tmp_path: Path) -> None:
    program = (
        "from tests.test_unique import *\n"
        "with fresh_jobs([tasks]) as jobs:\n"
        "    row = jobs.submission.build(by_all, Order(tags=frozenset('abcdef')), {})\n"
        "    print(row.unique_key)\n"
    )
    path = ":".join(["", *sys.path])

    keys = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(keys) == 1


def test_a_private_value_cannot_be_guessed_from_the_store(jobs: Jobkit) -> None:
    first = jobs.enqueue(log_in, password="1234")

    key = key_of(jobs, first.id)

    guess = json.dumps(
        ["shop.log_in", "by", {"password": "1234"}, None], separators=(",", ":"), sort_keys=True
    )
    assert key != hashlib.sha256(guess.encode()).hexdigest()
    assert key == Cipher(KEYS[:1]).fingerprint(guess)
    assert jobs.enqueue(log_in, password="1234").duplicate
    assert not jobs.enqueue(log_in, password="1235").duplicate


def test_a_new_key_in_front_changes_no_fingerprint() -> None:
    old = Cipher(KEYS[1:])

    assert Cipher(KEYS).fingerprint("1234") == old.fingerprint("1234")
    assert Cipher(KEYS[:1]).fingerprint("1234") != old.fingerprint("1234")


def test_without_a_key_a_private_value_is_not_hashed() -> None:
    with fresh_jobs([tasks]) as jobs:
        row = replace(jobs.submission, cipher=None)
        with pytest.raises(ConfigurationError, match="set JOBKIT_SECRET_KEYS"):
            row.build(log_in, Login.model_construct(user="ama", password=None), {})


def test_a_field_that_is_not_there_is_named() -> None:
    odd = keep.with_policy(unique_by=("order",))

    with fresh_jobs([odd]) as jobs, pytest.raises(ConfigurationError, match="by 'order'"):
        jobs.enqueue("shop.keep", number=1)


def test_what_is_not_stored_cannot_be_unique(jobs: Jobkit) -> None:
    cheap = replace(plain, durable=False)
    submission = Jobkit(jobs.settings, tasks=[cheap], clock=Clock()).submission

    with pytest.raises(EnqueueError, match="is not durable"):
        submission.build("shop.plain", Order(), {"idempotency_key": "1"})


@tasks.task()
def meddle(payload: Order, *, job: JobContext) -> None:
    """Try to enqueue in another's transaction."""
    job.enqueue("shop.plain", number=1, connection=object())


def test_a_running_job_gives_no_connection(jobs: Jobkit) -> None:
    jobs.enqueue(meddle, Order(), max_attempts=1)

    drained = drain(jobs)

    assert drained.dead == 1
    assert isinstance(drained.errors[0], EnqueueError)
