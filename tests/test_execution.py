from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydantic import field_validator
from sqlalchemy import Connection

from jobkit.app import Jobkit
from jobkit.context import JobContext
from jobkit.errors import (
    Cancelled,
    PermanentError,
    RetryAfter,
    Snooze,
    TransientError,
)
from jobkit.execution import Drain, LifecycleEvent, LocalSlot
from jobkit.job import Job, JobState
from jobkit.payload import Payload, Result
from jobkit.privacy import Secret
from jobkit.retry import Retry
from jobkit.store import changing, enqueueing, outcomes, watching
from jobkit.task import TaskSet
from jobkit.testing import Drained, TimeTravel, assert_enqueued, drain, enqueued, refute_enqueued

tasks = TaskSet("run")


class Nothing(Payload):
    """Carry nothing."""


class How(Payload):
    """Say how to end."""

    how: str = "well"


class Login(Payload):
    """Carry something that must not be seen."""

    user: str
    password: Secret[str]


class Line(Result):
    """Hold a price."""

    price: Decimal
    note: Any = None


class Bill(Result):
    """Hold lines."""

    number: int
    lines: tuple[Line, ...] = ()


class Token(Result):
    """Hold something that must not be seen."""

    value: Secret[str]


class Ledger(Protocol):
    """Write down what happens."""

    def write(self, word: str) -> None:
        """Write down *word*."""


class Clerk(Protocol):
    """Work with a ledger."""

    def work(self) -> None:
        """Work."""


def odd() -> None:
    """Stand for a value that has no JSON."""


ANSWERS: dict[str, Any] = {
    "well": Bill(number=7, lines=(Line(price=Decimal("1.10")),)),
    "as a mapping": {"number": 7, "lines": [{"price": "1.10"}]},
    "something else": "seven",
    "a wrong part": {"number": 7, "lines": [{"price": "cheap"}]},
    "without json": Bill(number=7, lines=(Line(price=Decimal(1), note={"by": odd}),)),
    "too large": Bill(number=7, lines=(Line(price=Decimal(1), note="x" * 2000),)),
}
ERRORS: dict[str, Callable[[], BaseException]] = {
    "permanent": lambda: PermanentError("the order is gone"),
    "transient": lambda: TransientError("the bank does not answer"),
    "unforeseen": lambda: ZeroDivisionError("by zero"),
    "by policy": lambda: LookupError("no such order"),
    "after": lambda: RetryAfter(90),
    "snooze": lambda: Snooze(90),
    "cancelled": lambda: Cancelled(),
}


@tasks.task(retry=Retry(max_attempts=3, base=10, factor=3, jitter=False, permanent=(LookupError,)))
def fail(payload: How) -> None:
    """Fail as it is told."""
    raise ERRORS[payload.how]()


@tasks.task(retry=Retry(max_attempts=3))
def answer(payload: How) -> Bill:
    """Answer as it is told."""
    bill: Bill = ANSWERS[payload.how]
    return bill


@tasks.task()
def answer_number(payload: Nothing) -> float:
    """Answer what JSON has no word for."""
    return math.nan


@tasks.task()
def answer_nothing(payload: Nothing) -> None:
    """Answer nothing."""


@tasks.task()
def answer_tokens(payload: Nothing) -> list[Token]:
    """Answer what must not be seen."""
    return [Token(value="correct horse")]


@tasks.task()
def answer_marked(payload: Nothing) -> dict[str, str]:
    """Answer data that looks like a private value."""
    return {"$private": "nothing"}


@tasks.task(retry=Retry(max_attempts=1))
def log_in(payload: Login, *, job: JobContext) -> None:
    """Give away what it was given."""
    answer = f"{payload.user} may not enter with {payload.password}"
    raise ValueError(answer)


@tasks.task(retry=Retry(max_attempts=2, base=10, jitter=False))
def follow_up(payload: How, *, job: JobContext) -> None:
    """Enqueue two jobs, and then end as it is told."""
    job.enqueue(answer_nothing)
    job.enqueue("run.answer", how="well", delay=60)
    if payload.how != "well":
        raise ERRORS[payload.how]()


@tasks.task()
def follow_up_at_last(payload: Nothing, *, job: JobContext) -> None:
    """Enqueue a job at each of three attempts, of which the last succeeds."""
    job.enqueue(answer_nothing)
    if job.attempt < 3:
        raise TransientError


@tasks.task()
def follow_up_badly(payload: Nothing, *, job: JobContext) -> None:
    """Enqueue what does not fit."""
    job.enqueue(fail, why="because")


@tasks.task()
def work(payload: How, *, ledger: Ledger, clerk: Clerk) -> None:
    """Work with adapters that are opened for it."""
    clerk.work()
    if payload.how != "well":
        raise ERRORS[payload.how]()


@tasks.task()
def take_steps(payload: Nothing, *, job: JobContext) -> None:
    """Take three steps."""
    for _ in job.track(range(3), note="steps"):
        pass


@tasks.task(soft_time_limit=0.01, retry=Retry(max_attempts=1))
def take_long(payload: Nothing, *, job: JobContext) -> None:
    """Take longer than allowed, and look now and then."""
    while True:
        job.check_cancelled()


class Written:
    def __init__(self) -> None:
        self.words: list[str] = []
        self.at: dict[str, Callable[[], object]] = {}

    def write(self, word: str) -> None:
        self.words.append(word)
        self.at.get(word, lambda: None)()


class Writer:
    def __init__(self, ledger: Written) -> None:
        self.work = lambda: ledger.write("work")


@pytest.fixture
def ledger() -> Written:
    return Written()


@pytest.fixture
def jobs(jobkit_jobs: Callable[..., Jobkit], ledger: Written) -> Jobkit:
    def open_clerk() -> Iterator[Writer]:
        ledger.write("clerk opened")
        try:
            yield Writer(ledger)
        except TransientError as error:
            ledger.write(f"clerk saw {error}")
            raise
        finally:
            ledger.write("clerk closed")

    def open_ledger() -> Iterator[Written]:
        ledger.write("ledger opened")
        yield ledger
        ledger.write("ledger closed")

    return jobkit_jobs(
        [tasks], adapters={Ledger: open_ledger, Clerk: open_clerk}, result_max_bytes=1024
    )


@pytest.fixture
def ended(jobs: Jobkit) -> Callable[..., Job]:
    """Enqueue a job, run what is due, and return the job as it stands then."""

    def run(task: Any, **fields: Any) -> Job:
        handle = jobs.enqueue(task, **fields)
        drain(jobs)
        return handle.job()

    return run


# Results


@pytest.mark.parametrize("how", ["well", "as a mapping"])
def test_an_answer_is_stored_as_its_declared_type(jobs: Jobkit, how: str) -> None:
    handle = jobs.enqueue(answer, how=how)

    drain(jobs)

    assert handle.result(timeout=0) == ANSWERS["well"]


def test_an_answer_may_be_nothing(jobs: Jobkit) -> None:
    handle = jobs.enqueue(answer_nothing)

    drain(jobs)

    assert handle.state is JobState.COMPLETED
    assert handle.result(timeout=0) is None


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("something else", "run.answer answered something other than it declares"),
        ("a wrong part", "lines.0.price"),
        ("without json", "the field lines.0.note.by cannot be stored"),
        ("too large", "over the limit of 1,024; store it in a file"),
    ],
)
def test_an_answer_that_cannot_be_stored_is_a_permanent_error(
    ended: Callable[..., Job], how: str, told: str
) -> None:
    job = ended(answer, how=how)

    assert (job.state, job.reason, job.attempt) == (JobState.DEAD, "permanent", 1)
    (failure,) = job.failures
    assert failure.type == "ResultInvalid"
    assert told in failure.message


def test_private_values_of_an_answer_are_sealed(jobs: Jobkit) -> None:
    handle = jobs.enqueue(answer_tokens)

    drain(jobs)

    assert "correct horse" not in str(handle.job().result)
    assert handle.result(timeout=0) == [Token(value="correct horse")]


def test_an_answer_cannot_pass_for_a_private_value(jobs: Jobkit) -> None:
    handle = jobs.enqueue(answer_marked)

    drain(jobs)

    assert handle.result(timeout=0) == {"$private": "nothing"}


# Outcomes


@pytest.mark.parametrize("how", ["permanent", "by policy"])
def test_a_permanent_error_ends_the_job_at_once(ended: Callable[..., Job], how: str) -> None:
    job = ended(fail, how=how)

    assert (job.state, job.reason, job.attempt) == (JobState.DEAD, "permanent", 1)
    assert job.finished_at is not None


@pytest.mark.parametrize("how", ["transient", "unforeseen"])
def test_any_other_error_is_tried_again_by_policy(
    jobs: Jobkit, ended: Callable[..., Job], jobkit_clock: TimeTravel, how: str
) -> None:
    now = jobkit_clock.now()

    job = ended(fail, how=how)

    assert (job.state, job.attempt) == (JobState.RETRYABLE, 1)
    assert job.scheduled_at - now == pytest.approx(timedelta(seconds=10), abs=timedelta(seconds=5))


def test_the_other_side_may_say_when_to_try_again(
    ended: Callable[..., Job], jobkit_clock: TimeTravel
) -> None:
    now = jobkit_clock.now()

    job = ended(fail, how="after")

    assert (job.state, job.attempt) == (JobState.RETRYABLE, 1)
    assert job.scheduled_at - now == pytest.approx(timedelta(seconds=90), abs=timedelta(seconds=5))


def test_a_job_that_used_up_its_attempts_is_dead(jobs: Jobkit) -> None:
    handle = jobs.enqueue(fail, how="transient")

    drain(jobs, with_retries=True)

    job = handle.job()
    assert (job.state, job.reason, job.attempt) == (JobState.DEAD, "exhausted", 3)
    assert [(failure.attempt, failure.kind) for failure in job.failures] == [
        (1, "error"),
        (2, "error"),
        (3, "error"),
    ]


def test_a_snooze_gives_the_attempt_back(
    jobs: Jobkit, ended: Callable[..., Job], jobkit_clock: TimeTravel
) -> None:
    now = jobkit_clock.now()

    job = ended(fail, how="snooze")

    assert (job.state, job.attempt, job.failures) == (JobState.RETRYABLE, 0, ())
    assert job.scheduled_at - now == pytest.approx(timedelta(seconds=90), abs=timedelta(seconds=5))


def test_a_job_may_be_put_off_more_often_than_it_may_fail(
    jobs: Jobkit, jobkit_clock: TimeTravel
) -> None:
    handle = jobs.enqueue(fail, how="snooze")

    for _ in range(5):
        assert drain(jobs).snoozed == 1
        jobkit_clock.travel(90)

    assert handle.job().attempt == 0


def test_a_task_may_cancel_its_own_job(ended: Callable[..., Job]) -> None:
    job = ended(fail, how="cancelled")

    assert (job.state, job.reason, job.failures) == (JobState.CANCELLED, None, ())


def test_a_soft_time_limit_is_a_failed_attempt_of_its_own_kind(ended: Callable[..., Job]) -> None:
    job = ended(take_long)

    assert (job.state, job.reason) == (JobState.DEAD, "exhausted")
    assert [failure.kind for failure in job.failures] == ["time_limit"]


def test_a_payload_that_no_longer_fits_is_dead_without_running(jobs: Jobkit) -> None:
    jobs.start()
    row = jobs.submission.build(fail, None, {"how": "transient"})
    old = type(row)(**{**vars(row), "payload": '{"manner": "transient"}'})
    jobs.database.write(lambda conn: enqueueing.insert(conn, [old], jobs.clock.now()))

    drain(jobs)

    job = jobs.get(row.id).job()
    assert (job.state, job.reason) == (JobState.DEAD, "invalid")
    assert "manner" in job.failures[0].message


def test_a_job_that_this_worker_has_no_key_for_waits_and_loses_no_attempt(
    jobkit_jobs: Callable[..., Jobkit], tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    host = jobkit_jobs([tasks], store_url=store, secret_keys=("the right key",))
    stranger = jobkit_jobs([tasks], store_url=store, secret_keys=("another key",))
    handle = host.enqueue(log_in, user="ada", password="correct horse")

    drain(stranger)

    job = handle.job()
    assert (job.state, job.attempt) == (JobState.RETRYABLE, 0)


def test_an_answer_that_could_not_be_read_back_is_a_permanent_error(
    ended: Callable[..., Job],
) -> None:
    job = ended(answer_number)

    assert (job.state, job.reason) == (JobState.DEAD, "permanent")
    assert "cannot be read back" in job.failures[0].message


def test_a_run_that_lost_its_job_writes_nothing(jobs: Jobkit, ledger: Written) -> None:
    handle = jobs.enqueue(work)

    def release(conn: Connection) -> None:
        (held,) = watching.held_by(conn, "jobkit.testing")
        outcomes.release(conn, held.id, held.token, jobs.clock.now())
        ledger.at.clear()

    ledger.at["work"] = lambda: jobs.database.write(release)
    drained = drain(jobs)

    assert drained == Drained(completed=1, superseded=1)
    assert handle.job().attempt == 1


# Adapters


def test_adapters_are_closed_in_reverse_order(ended: Callable[..., Job], ledger: Written) -> None:
    assert ended(work).state is JobState.COMPLETED

    assert ledger.words == [
        "ledger opened",
        "clerk opened",
        "work",
        "clerk closed",
        "ledger closed",
    ]


def test_adapters_see_why_a_job_failed_and_are_closed(
    ended: Callable[..., Job], ledger: Written
) -> None:
    assert ended(work, how="transient").state is JobState.RETRYABLE

    assert ledger.words[2:] == ["work", "clerk saw the bank does not answer", "clerk closed"]


def test_a_missing_adapter_names_what_to_bind(jobkit_jobs: Callable[..., Jobkit]) -> None:
    jobs = jobkit_jobs([tasks])
    handle = jobs.enqueue(work)

    drain(jobs)

    assert "bind(Ledger)" in handle.job().failures[0].message


# Cancellation


def test_a_waiting_job_is_cancelled_at_once(jobs: Jobkit) -> None:
    handle = jobs.enqueue(fail, how="transient")

    assert handle.cancel() is JobState.CANCELLED

    assert drain(jobs).dead == 0


def test_a_job_cancelled_by_a_failed_attempt_is_not_tried_again(
    jobs: Jobkit, ledger: Written
) -> None:
    handle = jobs.enqueue(work, how="transient")

    def cancel(conn: Connection) -> object:
        return changing.cancel(conn, handle.id, jobs.clock.now())

    ledger.at["work"] = lambda: jobs.database.write(cancel)
    drain(jobs, with_retries=True)

    assert handle.state is JobState.CANCELLED
    assert ledger.words.count("work") == 1


# Private values


def test_private_values_are_redacted_in_failures(ended: Callable[..., Job]) -> None:
    job = ended(log_in, user="ama", password="correct horse battery")

    (failure,) = job.failures
    assert failure.message == "ama may not enter with [redacted]"
    assert failure.traceback is not None
    assert "ValueError: ama may not enter with [redacted]" in failure.traceback
    assert "correct horse" not in failure.traceback


def test_private_values_are_redacted_in_what_people_see(ended: Callable[..., Job]) -> None:
    job = ended(log_in, user="ama", password="correct horse battery")

    assert "correct horse" not in job.payload
    assert '"ama"' in job.payload


def test_private_values_are_not_logged(
    ended: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        ended(log_in, user="ama", password="correct horse battery")

    assert "[redacted]" in caplog.text
    assert "correct horse" not in caplog.text


# Follow-ups


def test_follow_ups_are_enqueued_when_the_job_succeeds(jobs: Jobkit) -> None:
    jobs.enqueue(follow_up)

    assert drain(jobs).completed == 2
    assert_enqueued(jobs, answer_nothing)
    assert_enqueued(jobs, answer, how="well", delay=60)


@pytest.mark.parametrize("how", ["transient", "permanent", "snooze", "cancelled"])
def test_nothing_is_enqueued_when_it_does_not(jobs: Jobkit, how: str) -> None:
    jobs.enqueue(follow_up, how=how)

    drain(jobs)

    refute_enqueued(jobs, answer_nothing)
    refute_enqueued(jobs, answer)


def test_follow_ups_of_a_failed_attempt_are_not_kept_for_the_next(jobs: Jobkit) -> None:
    jobs.enqueue(follow_up_at_last)

    assert drain(jobs, with_retries=True).retryable == 2
    assert_enqueued(jobs, answer_nothing, times=1)


def test_follow_ups_and_the_outcome_are_one_transaction(
    jobs: Jobkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = jobs.enqueue(follow_up)

    def insert(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("jobkit.execution.drain.enqueueing.insert", insert)
        drain(jobs)

    assert handle.state is JobState.RETRYABLE
    assert [one.task for one in enqueued(jobs)] == ["run.follow_up"]


def test_a_follow_up_that_does_not_fit_fails_the_job_that_asked(
    ended: Callable[..., Job],
) -> None:
    job = ended(follow_up_badly)

    assert job.state is JobState.RETRYABLE
    assert "why" in job.failures[0].message


# Hooks


def test_hooks_are_told_how_a_run_ended(jobs: Jobkit) -> None:
    heard: list[LifecycleEvent] = []
    jobs.hooks.add(heard.append)
    jobs.enqueue(answer)

    drain(jobs)

    claimed, completed = heard
    assert claimed.kind == "claimed"
    assert (completed.kind, completed.result) == ("completed", ANSWERS["well"])
    assert completed.payload == How()
    assert completed.seconds > 0


def test_a_hook_that_fails_changes_nothing(
    jobs: Jobkit, ended: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(event: LifecycleEvent) -> None:
        raise ValueError("the meter is broken")

    jobs.hooks.add(stumble)

    assert ended(answer).state is JobState.COMPLETED
    assert "the meter is broken" in caplog.text


# Progress


def test_the_last_progress_is_stored_with_the_outcome(jobs: Jobkit) -> None:
    handle = jobs.enqueue(take_steps)

    drain(jobs)

    shown = handle.progress
    assert shown is not None
    assert (shown.done, shown.of, shown.note, shown.fraction) == (3, 3, "steps", 1.0)


def test_a_retried_job_forgets_nothing_of_its_failures(
    jobs: Jobkit, jobkit_clock: TimeTravel
) -> None:
    handle = jobs.enqueue(fail, how="transient")
    drain(jobs, with_retries=True)

    handle.retry()
    drain(jobs)

    job = handle.job()
    assert (job.state, job.attempt) == (JobState.RETRYABLE, 1)
    assert len(job.failures) == 4


# What would leave a job without an outcome


class Mute(Exception):
    def __str__(self) -> str:
        raise LookupError("no words")


class Fragile(Payload):
    """Carry what a broken validator looks at."""

    word: str = ""

    @field_validator("word")
    @classmethod
    def break_down(cls, word: str) -> str:
        """Fail as only a mistake in the validator does."""
        if word:
            raise RuntimeError(word)
        return word


def say_nothing(job: JobContext) -> None:
    raise Mute


def ask_for_too_long(job: JobContext) -> None:
    raise RetryAfter(1e15)


def count_too_far(job: JobContext) -> None:
    job.progress(1)
    job.progress(10**30)  # within the second: it would be written with the outcome


ODDITIES = {one.__name__: one for one in (say_nothing, ask_for_too_long, count_too_far)}


@tasks.task(retry=Retry(max_attempts=2, jitter=False))
def be_odd(payload: How, *, job: JobContext) -> None:
    """End in a way that nobody foresaw."""
    ODDITIES[payload.how](job)


@tasks.task(retry=Retry(max_attempts=1))
def be_fragile(payload: Fragile) -> None:
    """Take a payload that may break down when it is read."""


@pytest.mark.parametrize("how", list(ODDITIES))
def test_whatever_a_run_ends_with_is_a_failed_attempt(ended: Callable[..., Job], how: str) -> None:
    job = ended(be_odd, how=how)

    assert (job.state, job.attempt) == (JobState.RETRYABLE, 1)
    assert len(job.failures) == 1


def test_a_payload_that_breaks_its_validator_is_a_failed_attempt_that_quotes_nothing(
    jobs: Jobkit,
) -> None:
    jobs.start()
    row = jobs.submission.build(be_fragile, None, {})
    broken = dataclasses.replace(row, payload='{"word":"s3cret"}')
    jobs.database.write(lambda conn: enqueueing.insert(conn, [broken], jobs.clock.now()))

    drain(jobs)

    job = jobs.get(row.id).job()
    assert (job.state, job.reason) == (JobState.DEAD, "exhausted")
    assert "s3cret" not in str(job.failures)


@pytest.mark.parametrize("wait", [RetryAfter, Snooze])
def test_a_wait_that_is_no_number_is_refused(wait: Callable[[float], Exception]) -> None:
    with pytest.raises(ValueError, match="seconds of 0 or more"):
        wait(math.nan)


def test_the_bell_for_what_is_left_rings_where_it_is(jobkit_jobs: Callable[..., Jobkit]) -> None:
    rung: list[str] = []
    jobs = jobkit_jobs([tasks], drain_jobs=1)
    jobs.enqueue_many(answer_nothing, [{}, {}], queue="second")
    engine = dataclasses.replace(jobs.engine, ring=lambda queue, times: rung.append(queue))

    Drain(engine, worker="w", queues=lambda: ["first", "second"], slot=LocalSlot()).answer()

    assert set(rung) == {"second"}
