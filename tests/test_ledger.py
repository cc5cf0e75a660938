"""Effects, steps and loops over the attempts of a job, on the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, text

from jobkit.app import Jobkit
from jobkit.context import JobContext
from jobkit.effects import ask
from jobkit.errors import (
    Cancelled,
    DidNotHappen,
    Interrupted,
    PermanentError,
    Snooze,
    StoreUnavailable,
    TransientError,
)
from jobkit.execution import LocalSlot
from jobkit.execution.ledger import idempotency_key
from jobkit.execution.ports import RunPorts
from jobkit.job import Job, JobState
from jobkit.payload import Payload, Result
from jobkit.privacy import Secret
from jobkit.retry import Retry
from jobkit.store import effects, outcomes, steps, watching
from jobkit.store.claims import Claim
from jobkit.task import TaskSet
from jobkit.testing import drain

tasks = TaskSet("ledger")
Work = Callable[[JobContext], Any]
WORK: list[Work] = []


class Login(Payload):
    """Carry something that must not be seen."""

    password: Secret[str] = "correct horse"


class Line(Result):
    """Hold a day."""

    day: date
    code: Secret[str] = "0000"


@tasks.task(retry=Retry(max_attempts=3, base=0.01, jitter=False))
def work(payload: Login, *, job: JobContext) -> None:
    """Do what a test wants."""
    WORK[0](job)


@pytest.fixture
def jobs(jobkit_jobs: Callable[..., Jobkit]) -> Jobkit:
    return jobkit_jobs([tasks], result_max_bytes=1024)


@pytest.fixture
def ran(jobs: Jobkit) -> Iterator[Callable[[Work], Job]]:
    """Run a job whose task is this function until it has ended, and return it."""

    def run(what: Work) -> Job:
        WORK[:] = [what]
        handle = jobs.enqueue(work)
        drain(jobs, with_retries=True)
        return handle.job()

    yield run
    WORK.clear()


def stored(jobs: Jobkit, table: str) -> str:
    with jobs.database.read() as conn:
        return str(conn.execute(text(f"SELECT * FROM jobkit_{table}")).all())


def fail(job: JobContext, before: int = 2) -> None:
    if job.attempt < before:
        raise TransientError(f"attempt {job.attempt} fails")


# Effects


def test_an_effect_that_was_done_is_not_done_again(ran: Callable[[Work], Job]) -> None:
    done: list[int] = []
    answers: list[int] = []

    def what(job: JobContext) -> None:
        for _ in range(2):
            answers.append(job.once("mail", lambda: done.append(job.attempt) or 7, policy="retry"))
        fail(job)

    assert ran(what).state is JobState.COMPLETED
    assert (done, answers) == ([1], [7, 7, 7, 7])


@pytest.mark.parametrize(("policy", "done", "answer"), [("retry", [1, 2], 2), ("skip", [1], None)])
def test_an_effect_that_broke_off_is_handled_by_its_policy(
    ran: Callable[[Work], Job], policy: Literal["retry", "skip"], done: list[int], answer: object
) -> None:
    tried: list[int] = []
    answers: list[object] = []

    def what(job: JobContext) -> None:
        def act() -> int:
            tried.append(job.attempt)
            fail(job)
            return job.attempt

        answers.append(job.once("mail", act, policy=policy))
        answers.append(job.once("mail", act, policy=policy))

    assert ran(what).state is JobState.COMPLETED
    assert (tried, answers) == (done, [answer, answer])


@pytest.mark.parametrize("happened", [True, False])
def test_the_outside_is_asked_whether_an_effect_happened(
    ran: Callable[[Work], Job], happened: bool
) -> None:
    outside: list[str] = []
    answers: list[str] = []

    def what(job: JobContext) -> None:
        def act(key: str) -> str:
            if job.attempt == 1 and not happened:
                raise TransientError("the line is dead")
            outside.append(key)
            fail(job)
            return key

        def find(key: str) -> str | DidNotHappen:
            return key if key in outside else DidNotHappen()

        answers.append(job.once("charge", act, policy=ask(find)))

    job = ran(what)

    assert outside == answers == [idempotency_key(job.id, "charge")]


def test_an_effect_stays_unknown_while_the_outside_cannot_be_asked(
    jobs: Jobkit, ran: Callable[[Work], Job]
) -> None:
    asked: list[int] = []

    def what(job: JobContext) -> None:
        def find() -> None:
            asked.append(job.attempt)
            raise ConnectionError("no answer")

        job.once("charge", lambda: fail(job), policy=ask(find))

    job = ran(what)

    assert (job.state, asked) == (JobState.DEAD, [2, 3])
    with jobs.database.read() as conn:
        assert effects.oldest_unknown(conn, jobs.clock.now()) is not None


def test_an_effect_that_certainly_did_not_happen_is_done_by_any_policy(
    ran: Callable[[Work], Job],
) -> None:
    def what(job: JobContext) -> None:
        def act() -> str:
            if job.attempt == 1:
                raise DidNotHappen("the card was refused")
            return "paid"

        assert job.once("charge", act, policy="skip") == "paid"

    assert ran(what).attempt == 2


def test_an_effect_whose_answer_cannot_be_stored_was_done_all_the_same(
    jobs: Jobkit, ran: Callable[[Work], Job]
) -> None:
    done: list[int] = []
    said: list[str] = []

    def what(job: JobContext) -> None:
        for _ in range(2):
            try:
                job.once("mail", lambda: done.append(1) or object(), policy="retry")
            except PermanentError as error:
                said.append(str(error))

    ran(what)

    assert done == [1]
    assert "the answer of the effect mail cannot be stored" in said[0]
    assert "was done, but its answer could not be stored" in said[1]


def test_an_effect_cannot_begin_inside_of_itself(ran: Callable[[Work], Job]) -> None:
    def what(job: JobContext) -> None:
        job.once("a", lambda: job.once("a", lambda: 1, policy="retry"), policy="retry")

    job = ran(what)

    assert (job.state, job.attempt) == (JobState.DEAD, 1)
    assert "must not begin again" in job.failures[0].message


def test_an_effect_done_by_a_run_that_lost_its_job_is_unknown_to_the_next(
    jobs: Jobkit, ran: Callable[[Work], Job]
) -> None:
    tried: list[int] = []

    def release(conn: Connection) -> None:
        (held,) = watching.held_by(conn, "jobkit.testing")
        outcomes.release(conn, held.id, held.token, jobs.clock.now())

    def what(job: JobContext) -> None:
        def act() -> None:
            tried.append(job.attempt)
            if len(tried) == 1:
                jobs.database.write(release)

        job.once("mail", act, policy="skip")

    assert ran(what).state is JobState.COMPLETED
    assert tried == [1]
    assert "skipped" in stored(jobs, "effects")


def test_what_was_done_is_recorded_through_an_outage(
    ran: Callable[[Work], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, outages = effects.settle, iter([StoreUnavailable(), StoreUnavailable()])
    done: list[int] = []

    def away(*given: Any) -> bool:
        for outage in outages:
            raise outage
        return settle(*given)

    monkeypatch.setattr(effects, "settle", away)
    monkeypatch.setattr("jobkit.execution.books.time.sleep", lambda seconds: None)

    assert ran(lambda job: job.once("mail", lambda: done.append(1), policy="skip")).attempt == 1
    assert done == [1]


@pytest.mark.parametrize("key", ["", " x", "x ", "a\nb", "x" * 201])
def test_a_name_that_databases_take_differently_is_refused(
    ran: Callable[[Work], Job], key: str
) -> None:
    job = ran(lambda job: job.once(key, lambda: 1, policy="retry"))

    assert job.failures[0].type == "ValueError"


# Steps


def test_a_retry_goes_on_after_the_steps_that_were_recorded(ran: Callable[[Work], Job]) -> None:
    taken: list[str] = []

    def what(job: JobContext) -> None:
        first = job.step("first", lambda: taken.append("first") or {"rows": [1, 2]})
        fail(job)
        job.step("second", lambda: taken.append("second"))
        fail(job, before=3)
        assert first == {"rows": [1, 2]}

    assert ran(what).attempt == 3
    assert taken == ["first", "second"]


def test_a_step_that_failed_is_taken_again(ran: Callable[[Work], Job]) -> None:
    taken: list[int] = []

    def what(job: JobContext) -> None:
        def first() -> None:
            taken.append(job.attempt)
            fail(job)

        job.step("first", first)

    ran(what)

    assert taken == [1, 2]


def test_two_steps_of_one_name_are_refused(ran: Callable[[Work], Job]) -> None:
    def what(job: JobContext) -> None:
        job.step("first", lambda: 1)
        job.step("first", lambda: 2)

    job = ran(what)

    assert (job.state, job.failures[0].type) == (JobState.DEAD, "DuplicateStep")


def test_a_typed_step_gives_the_same_type_in_every_attempt(ran: Callable[[Work], Job]) -> None:
    given: list[list[Line]] = []

    def what(job: JobContext) -> None:
        line = Line(day=date(2026, 1, 31), code="1234")
        given.append(job.step("lines", lambda: [line], type=list[Line]))
        fail(job)

    ran(what)

    assert given == [[Line(day=date(2026, 1, 31), code="1234")]] * 2


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (Line(day=date(2026, 1, 31)), None, "give its type"),
        ((1, 2), None, "give its type"),
        (float("nan"), None, "give its type"),
        (object(), None, "cannot be stored"),
        ("many", int, "cannot be stored"),
        ("x" * 2000, None, "over the limit of 1,024"),
    ],
)
def test_a_value_that_the_next_attempt_could_not_have_is_refused(
    ran: Callable[[Work], Job], value: object, kind: Any, told: str
) -> None:
    job = ran(lambda job: job.step("first", lambda: value, type=kind))

    assert (job.state, job.attempt) == (JobState.DEAD, 1)
    assert told in job.failures[0].message


def test_private_values_are_sealed(jobs: Jobkit, ran: Callable[[Work], Job]) -> None:
    given: list[str] = []

    def what(job: JobContext) -> None:
        given.append(job.step("token", lambda: "abracadabra", type=Secret[str]))
        # Not marked here, but in the payload.
        given.append(job.step("login", lambda: {"p": "correct horse"})["p"])
        job.once("line", lambda: Line(day=date.min, code="hocus-pocus"), policy="retry", type=Line)
        fail(job)

    ran(what)

    assert given == ["abracadabra", "correct horse"] * 2
    text = stored(jobs, "steps") + stored(jobs, "effects")
    assert "$private" in text
    assert not any(word in text for word in ("abracadabra", "correct horse", "hocus-pocus"))


def test_a_cancelled_job_takes_no_further_step(jobs: Jobkit, ran: Callable[[Work], Job]) -> None:
    taken: list[int] = []

    def what(job: JobContext) -> None:
        def stop() -> None:
            raise Cancelled

        job.ports.__dict__["check_cancelled"] = stop
        job.step("first", lambda: taken.append(1))

    assert ran(what).state is JobState.CANCELLED
    assert taken == []


# Loops


def letters(after: str | None) -> Iterator[str]:
    return (letter for letter in "abcdefgh" if after is None or letter > after)


def test_a_loop_goes_on_after_the_last_item_that_was_done(
    jobs: Jobkit, ran: Callable[[Work], Job]
) -> None:
    seen: list[str] = []

    def what(job: JobContext) -> None:
        for letter in job.track(letters, of=8, cursor=lambda letter: letter):
            seen.append(letter)
            if (letter, job.attempt) in (("c", 1), ("f", 2)):
                raise TransientError

    job = ran(what)

    assert "".join(seen) == "abccdeffgh"
    assert job.progress is not None
    assert (job.progress.done, job.progress.of) == (8, 8)


@pytest.mark.parametrize("error", [Interrupted, Snooze(0)])
def test_a_loop_that_was_interrupted_goes_on_too(
    ran: Callable[[Work], Job], error: type[BaseException] | BaseException
) -> None:
    seen: list[str] = []

    def what(job: JobContext) -> None:
        for letter in job.track(letters, cursor=lambda letter: letter):
            seen.append(letter)
            if seen == ["a", "b", "c"]:
                raise error

    assert ran(what).attempt == 1
    assert "".join(seen) == "abccdefgh"


def test_a_loop_that_ended_is_not_run_again(ran: Callable[[Work], Job]) -> None:
    seen: list[str] = []

    def what(job: JobContext) -> None:
        seen.extend(job.track(letters, cursor=lambda letter: letter))
        fail(job, before=3)

    ran(what)

    assert "".join(seen) == "abcdefgh"


def test_a_cursor_is_written_once_a_second_and_at_the_end(
    ran: Callable[[Work], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, written = steps.keep_cursor, []

    def counted(*given: Any) -> bool:
        written.append(given[4:6])
        return keep(*given)

    monkeypatch.setattr(steps, "keep_cursor", counted)
    ran(lambda job: list(job.track(letters, cursor=lambda letter: letter)))

    assert written == [(1, '"a"'), (8, '"h"')]


def test_loops_are_told_apart_by_name(ran: Callable[[Work], Job]) -> None:
    def what(job: JobContext) -> None:
        list(job.track(letters, cursor=lambda letter: letter, name="first"))
        assert len(list(job.track(letters, cursor=lambda letter: letter, name="second"))) == 8
        list(job.track(letters, cursor=lambda letter: letter, name="second"))

    job = ran(what)

    assert job.failures[0].type == "DuplicateStep"


def test_a_cursor_that_cannot_be_stored_fails_at_the_first_item(
    ran: Callable[[Work], Job],
) -> None:
    seen: list[str] = []

    def what(job: JobContext) -> None:
        for letter in job.track(letters, cursor=lambda letter: (letter, 1)):
            seen.append(letter)

    job = ran(what)

    assert (job.state, seen) == (JobState.DEAD, ["a"])
    assert "the cursor of the loop items" in job.failures[0].message


# Tasks that keep nothing


def test_a_task_that_is_not_durable_has_no_ledger(jobs: Jobkit) -> None:
    claim = Claim(
        id="a message", token="", task="ledger.cheap", queue="ledger", tenant_id=None, payload="",
        attempt=1, max_attempts=1, crashes=0, scheduled_at=jobs.clock.now(),
        started_at=jobs.clock.now(), scheduled_for=None, schedule=None,
    )  # fmt: skip
    ports = RunPorts(jobs.engine, claim, LocalSlot(), None)

    with pytest.raises(PermanentError, match=r"ledger\.cheap is declared with durable=False"):
        ports.ledger  # noqa: B018 - asking is enough
