from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date

import pytest
from tests.testing.shop import (
    Mailbox,
    MemoryMailbox,
    Order,
    Receipt,
    answer_badly,
    charge,
    confirm,
    log_in,
    pack,
)

from jobkit.context import JobContext
from jobkit.errors import (
    AdapterMissing,
    Cancelled,
    EnqueueError,
    InvalidPayload,
    PermanentError,
    ResultInvalid,
    TimeLimitReached,
    TransientError,
)
from jobkit.task import TaskSet
from jobkit.testing import Recorder, job_context, run_task

ORDER = Order(tenant_id="b1", number=2)
tasks = TaskSet("here")


@tasks.task(soft_time_limit=30, time_limit=60)
def look(payload: Order, *, job: JobContext) -> float | None:
    """Answer the time that is left."""
    return job.time_left()


def test_a_task_runs_with_fakes_by_keyword_and_gives_its_answer() -> None:
    mailbox = MemoryMailbox()

    ran = run_task(confirm, ORDER, mailbox=mailbox, attempt=4)

    assert ran.result == Receipt(number=2, on=date(2026, 1, 31))
    assert mailbox.sent == [("b1", "order 2, attempt 4")]


def test_a_task_runs_with_fakes_by_protocol_and_fields_by_keyword() -> None:
    mailbox = MemoryMailbox()

    ran = run_task(confirm, tenant_id="b1", number=2, adapters={Mailbox: mailbox})

    assert ran.result.number == 2
    assert len(mailbox.sent) == 1


def test_progress_logs_and_follow_ups_are_recorded() -> None:
    ran = run_task(confirm, ORDER, mailbox=MemoryMailbox())

    assert ran.progress[0] == (0, 2, "lines")
    assert ran.progress[-1].done == 2
    assert [line["line"] for line in ran.logs] == [0, 1]
    assert {(line["event"], line["level"], line["tenant"]) for line in ran.logs} == {
        ("a line", "info", "b1")
    }
    (follow_up,) = ran.enqueued
    assert (follow_up.task, follow_up.payload) == (pack.name, ORDER)


def test_a_private_value_is_redacted_in_recorded_logs() -> None:
    ran = run_task(log_in, user="ama", password="correct horse")

    assert ran.logs[0]["password"] == "[redacted]"


def test_logging_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("jobkit.job")
    monkeypatch.setattr(logger, "level", logging.ERROR)

    run_task(confirm, ORDER, mailbox=MemoryMailbox())

    assert logger.level == logging.ERROR
    assert not logger.handlers


@pytest.mark.parametrize(
    ("number", "error"), [(1, TransientError), (3, PermanentError)], ids=["transient", "permanent"]
)
def test_what_the_task_raises_comes_out(number: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_task(charge, tenant_id="b1", number=number)


def test_a_later_attempt_may_be_run() -> None:
    assert run_task(charge, tenant_id="b1", number=1, attempt=3).result == 3


def test_fields_that_do_not_fit_are_refused_as_when_enqueued() -> None:
    with pytest.raises(InvalidPayload, match="number"):
        run_task(charge, tenant_id="b1", number="many")


def test_a_misspelt_fake_is_refused() -> None:
    with pytest.raises(TypeError, match=r"nothing called mailbocks; it asks for: mailbox"):
        run_task(confirm, ORDER, mailbocks=MemoryMailbox())


def test_a_missing_fake_is_named() -> None:
    with pytest.raises(AdapterMissing, match="Mailbox"):
        run_task(confirm, ORDER)


def test_an_answer_that_cannot_be_stored_is_refused_by_its_field() -> None:
    with pytest.raises(ResultInvalid, match=r"how\.callback"):
        run_task(answer_badly, ORDER)


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_a_job_is_cancelled_where_the_test_wants_it(looks: int) -> None:
    recorder = Recorder(cancel_after=looks)
    mailbox = MemoryMailbox()

    with pytest.raises(Cancelled):
        run_task(confirm, ORDER, recorder=recorder, mailbox=mailbox)

    assert len(recorder.progress) == looks
    assert not mailbox.sent


def test_a_soft_time_limit_is_reached_without_waiting() -> None:
    with pytest.raises(TimeLimitReached):
        run_task(confirm, ORDER, recorder=Recorder(time_left=0), mailbox=MemoryMailbox())


def test_the_declared_time_limit_is_what_is_left() -> None:
    declared = run_task(look, ORDER).result
    chosen = run_task(look, ORDER, recorder=Recorder(time_left=5)).result

    assert declared == pytest.approx(30, abs=1)
    assert chosen == pytest.approx(5, abs=1)


def test_a_factory_is_closed_with_what_the_task_raised() -> None:
    closed: list[BaseException] = []

    def factory() -> Iterator[MemoryMailbox]:
        try:
            yield MemoryMailbox()
        except Cancelled as error:
            closed.append(error)
            raise

    with pytest.raises(Cancelled):
        run_task(confirm, ORDER, adapters={Mailbox: factory}, recorder=Recorder(cancel_after=0))

    assert len(closed) == 1


def test_a_task_stays_a_plain_callable_with_a_context_from_the_kit() -> None:
    recorder = Recorder()

    receipt = confirm(ORDER, job=job_context(recorder, attempt=2), mailbox=MemoryMailbox())

    assert receipt.number == 2
    assert [one.task for one in recorder.enqueued] == ["shop.pack"]


def test_a_follow_up_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidPayload, match="number"):
        job_context().enqueue(pack, tenant_id="b1")


def test_a_follow_up_with_options_that_make_no_sense_is_refused() -> None:
    with pytest.raises(EnqueueError, match="delay"):
        job_context().enqueue(pack, tenant_id="b1", number=1, delay="soon")


def test_a_follow_up_by_name_is_recorded_as_it_is() -> None:
    recorder = Recorder()

    job_context(recorder).enqueue("reports.monthly", {"month": 3}, queue="slow")

    assert recorder.enqueued[0].payload == {"month": 3}
    assert recorder.enqueued[0].options == {"queue": "slow"}
