"""A small shop whose tasks the tests of the testing kit run."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from jobkit import (
    JobContext,
    Payload,
    PermanentError,
    Result,
    Retry,
    Secret,
    Snooze,
    TaskSet,
    TransientError,
)


class Mailbox(Protocol):
    """Send messages."""

    def send(self, to: str, text: str) -> None:
        """Send *text* to somebody."""


class MemoryMailbox:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, to: str, text: str) -> None:
        self.sent.append((to, text))


class Order(Payload):
    """Which order it is about."""

    tenant_id: str
    number: int
    day: date = date(2026, 1, 31)


class Login(Payload):
    """Carry something that must not be seen."""

    user: str
    password: Secret[str]


class Receipt(Result):
    """Tell what was done."""

    number: int
    on: date
    at: datetime | None = None


tasks = TaskSet("shop")
ONCE = Retry(max_attempts=1)


@tasks.task(soft_time_limit=30)
def confirm(payload: Order, *, job: JobContext, mailbox: Mailbox) -> Receipt:
    """Confirm an order, and enqueue what follows."""
    for line in job.track(range(payload.number), note="lines"):
        job.log.info("a line", line=line)
    mailbox.send(payload.tenant_id, f"order {payload.number}, attempt {job.attempt}")
    job.enqueue(pack, tenant_id=payload.tenant_id, number=payload.number)
    return Receipt(number=payload.number, on=payload.day)


@tasks.task(queue="warehouse")
def pack(payload: Order) -> None:
    """Pack an order."""


@tasks.task(retry=Retry(max_attempts=3, base=60, jitter=False))
def charge(payload: Order, *, job: JobContext) -> int:
    """Fail for a time: order 1 succeeds at its third attempt, order 2 never, 3 fails for good."""
    if payload.number == 3:
        raise PermanentError("the card was refused")
    if payload.number == 2 or job.attempt < 3:
        raise TransientError("the bank does not answer")
    return job.attempt


@tasks.task()
def wait(payload: Order) -> None:
    """Put itself off for ever."""
    raise Snooze(60)


@tasks.task()
def log_in(payload: Login, *, job: JobContext) -> None:
    """Log too much."""
    job.log.warning("logging in", password=payload.password)


@tasks.task(durable=False)
def count(payload: Order) -> None:
    """Count something that does not matter much."""


@tasks.task()
def answer_badly(payload: Order) -> object:
    """Answer something that has no JSON."""
    return {"number": payload.number, "how": {"callback": answer_badly}}
