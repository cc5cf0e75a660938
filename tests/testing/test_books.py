"""Attempts at one job in a test's own process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobkit.context import JobContext
from jobkit.effects import ask
from jobkit.errors import DidNotHappen, TransientError
from jobkit.payload import Payload
from jobkit.task import TaskSet
from jobkit.testing import Recorder, job_context, run_task

tasks = TaskSet("books")


class Order(Payload):
    """Which order it is about."""

    number: int = 7


def rows(after: int | None) -> Iterator[int]:
    return iter(range((after or 0) + 1, 5))


@tasks.task()
def bill(payload: Order, *, job: JobContext) -> str:
    """Price, charge, and write some rows; the third row fails at first."""
    price = job.step("price", lambda: payload.number * 10)
    charge = job.once("charge", lambda key: f"{price} by {key}", policy=ask(found))
    for row in job.track(rows, cursor=lambda row: row):
        if row == 3 and job.attempt == 1:
            raise TransientError
    return charge


def found() -> str | DidNotHappen:
    """Know of the charge."""
    return "found outside"


def test_a_second_run_with_the_same_recorder_goes_on() -> None:
    recorder = Recorder()

    with pytest.raises(TransientError):
        run_task(bill, recorder=recorder)
    charged = recorder.answers["charge"]
    assert recorder.effects == {"charge": "done"}
    assert recorder.steps == {"price": 70}
    assert recorder.cursors == {"items": (2, 2)}
    ran = run_task(bill, recorder=recorder, attempt=2)

    assert ran.result == charged
    assert recorder.cursors == {"items": (4, 4)}
    assert recorder.progress[-1].done == 4


def test_an_unknown_effect_can_be_given() -> None:
    recorder = Recorder(effects={"charge": "unknown"}, steps={"price": 1})

    ran = run_task(bill, recorder=recorder, attempt=2)

    assert ran.result == "found outside"
    assert recorder.effects == {"charge": "found"}


def test_an_effect_that_failed_is_unknown_and_one_that_did_not_happen_is_free() -> None:
    recorder = Recorder()
    job = job_context(recorder)

    for error in (TransientError, DidNotHappen):
        with pytest.raises(error):
            job.once(error.__name__, lambda error=error: raise_(error), policy="skip")

    assert recorder.effects == {"TransientError": "unknown"}


def raise_(error: type[Exception]) -> None:
    raise error
