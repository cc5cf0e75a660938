"""What mypy and pyright must refuse: every line with both comments, and no other line.

A comment that is not needed is an error of its own, so this file passes only while both checkers
find every one of these mistakes.
"""

from __future__ import annotations

from shop import (
    LOGIN,
    ORDER,
    Mailbox,
    MemoryMailbox,
    Order,
    Telegraph,
    confirm,
    log_in,
    open_telegraph,
)

from jobkit import JobContext, Jobkit, Payload, Retry, TaskSet, Unique
from jobkit.testing import run_task

tasks = TaskSet("wrong")


def payloads() -> None:
    """Payloads are checked where they are made."""
    Order(tenant_id="b1")  # type: ignore[call-arg]  # pyright: ignore
    Order(tenant_id="b1", number="seven")  # type: ignore[arg-type]  # pyright: ignore
    Order(tenant_id="b1", number=7, nubmer=8)  # type: ignore[call-arg]  # pyright: ignore


def declarations() -> None:
    """A task takes a payload first."""

    @tasks.task()  # type: ignore[type-var]  # pyright: ignore
    def of_a_number(number: int) -> None:
        """Take what is no payload."""

    @tasks.task(retry=3)  # type: ignore[arg-type]  # pyright: ignore
    def too_often(payload: Payload) -> None:
        """Be declared with what is no policy."""

    Unique(by=7)  # type: ignore[arg-type]  # pyright: ignore
    Unique(on_conflict="ignore")  # type: ignore[arg-type]  # pyright: ignore
    tasks.task(unique=("tenant_id",))  # type: ignore[arg-type]  # pyright: ignore
    Retry(max_attempts="three")  # type: ignore[arg-type]  # pyright: ignore


def adapters(jobs: Jobkit) -> None:
    """An adapter fits its protocol."""
    jobs.adapters.bind(Mailbox).to(Telegraph())  # type: ignore[arg-type]  # pyright: ignore
    jobs.adapters.bind(Mailbox).to(MemoryMailbox)  # type: ignore[arg-type]  # pyright: ignore
    jobs.adapters.bind(Mailbox).to_factory(open_telegraph)  # type: ignore[arg-type]  # pyright: ignore
    jobs.adapters.bind(Mailbox).to_factory(MemoryMailbox)  # type: ignore[arg-type]  # pyright: ignore


def enqueueing(jobs: Jobkit) -> None:
    """A task is enqueued with its own payload, and with options that exist."""
    jobs.enqueue(confirm, LOGIN)  # type: ignore[misc]  # pyright: ignore
    jobs.enqueue(log_in, ORDER)  # type: ignore[misc]  # pyright: ignore
    jobs.enqueue(confirm, {"tenant_id": "b1", "number": 7})  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue(confirm, ORDER, delai=5)  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue(confirm, ORDER, scheduled_at="2031-01-01")  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue(confirm, ORDER, priority="high")  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue(confirm, ORDER, idempotency_key=7)  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue(confirm, ORDER, connection="a url")  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue("shop.confirm", 7)  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue(confirm.fn, ORDER)  # type: ignore[call-overload]  # pyright: ignore
    jobs.enqueue_many(confirm, [ORDER, LOGIN])  # type: ignore[misc]  # pyright: ignore


async def asynchronous(jobs: Jobkit) -> None:
    """An asynchronous host is checked alike."""
    await jobs.aenqueue(confirm, LOGIN)  # type: ignore[misc]  # pyright: ignore
    jobs.aenqueue(confirm, ORDER).result()  # type: ignore[attr-defined]  # pyright: ignore


def results(jobs: Jobkit) -> None:
    """A result has its task's type."""
    handle = jobs.enqueue(confirm, ORDER)
    number: int = handle.result()  # type: ignore[assignment]  # pyright: ignore
    print(handle.result().nubmer, number)  # type: ignore[attr-defined]  # pyright: ignore
    jobs.enqueue(confirm, ORDER).retsult()  # type: ignore[attr-defined]  # pyright: ignore


def working(job: JobContext) -> None:
    """A running task is checked alike."""
    job.enqueue(confirm, LOGIN)  # type: ignore[misc]  # pyright: ignore
    job.enqueue(confirm, ORDER, connection=job)  # type: ignore[call-overload]  # pyright: ignore
    job.enqueue(7)  # type: ignore[call-overload]  # pyright: ignore
    job.progress("half")  # type: ignore[arg-type]  # pyright: ignore
    job.attempt = 3  # type: ignore[misc]  # pyright: ignore


def keeping(job: JobContext) -> None:
    """So are its effects, steps and loops."""
    job.once("mail", lambda: 7)  # type: ignore[call-overload]  # pyright: ignore
    job.once("mail", lambda: 7, policy="perhaps")  # type: ignore[call-overload]  # pyright: ignore
    job.step("count", lambda number: number)  # type: ignore[misc, arg-type]  # pyright: ignore
    job.track([ORDER], cursor=len)  # type: ignore[call-overload]  # pyright: ignore


def testing() -> None:
    """The testing kit is checked alike."""
    run_task(confirm, LOGIN)  # type: ignore[misc]  # pyright: ignore
    text: str = run_task(confirm, ORDER).result  # type: ignore[assignment]  # pyright: ignore
    print(text)
