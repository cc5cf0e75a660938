"""What mypy and pyright must accept, with the types that they must see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from shop import (
    LOGIN,
    ORDER,
    Login,
    Mailbox,
    MemoryMailbox,
    Order,
    Receipt,
    confirm,
    log_in,
    open_mailbox,
    tasks,
)
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session, scoped_session

from jobkit import (
    DidNotHappen,
    DuplicateJob,
    Job,
    JobContext,
    JobHandle,
    Jobkit,
    JobState,
    Priority,
    Queue,
    Settings,
    Task,
    Unique,
    ask,
)
from jobkit.testing import Ran, assert_enqueued, drain, fresh_jobs, isolated, run_task


def declare() -> None:
    """A declared task keeps the types of its payload and of its answer."""
    assert_type(confirm, Task[Order, Receipt])
    assert_type(log_in, Task[Login, None])
    assert_type(LOGIN.password, str)
    assert_type(confirm(ORDER, job=None, mailbox=MemoryMailbox()), Receipt)


def host() -> Jobkit:
    """A host joins tasks, settings and adapters."""
    jobs = Jobkit(Settings(), tasks=[tasks, log_in])
    jobs.adapters.bind(Mailbox).to(MemoryMailbox())
    jobs.adapters.bind(Mailbox).to_factory(open_mailbox)
    jobs.configure("shop.confirm", queue="slow")
    return jobs


def enqueue(jobs: Jobkit) -> None:
    """A task is enqueued with its payload, with fields, or by name."""
    handle = jobs.enqueue(confirm, ORDER)
    assert_type(handle, JobHandle[Receipt])
    assert_type(handle.result(timeout=5), Receipt)
    assert_type(handle.wait(), Job)
    assert_type(handle.state, JobState)
    assert_type(jobs.enqueue(log_in, LOGIN).result(), None)
    assert_type(jobs.enqueue(confirm, tenant_id="b1", number=7), JobHandle[Receipt])
    assert_type(jobs.enqueue("shop.confirm", tenant_id="b1", number=7), JobHandle[Any])
    assert_type(jobs.enqueue("shop.confirm", {"tenant_id": "b1", "number": 7}), JobHandle[Any])
    assert_type(jobs.enqueue_many(confirm, [ORDER, ORDER]), list[JobHandle[Receipt]])
    assert_type(
        jobs.enqueue_many(confirm, [{"tenant_id": "b1", "number": 7}]), list[JobHandle[Receipt]]
    )
    jobs.enqueue(confirm, ORDER, delay=5, queue="rush", priority=Priority.HIGH, max_attempts=1)
    jobs.enqueue(confirm, ORDER, delay=timedelta(hours=1), queue=Queue("rush"))
    jobs.enqueue(confirm, ORDER, scheduled_at=datetime.now(UTC))


def be_unique(jobs: Jobkit) -> None:
    """A policy of uniqueness, and a key for one request."""
    jobs.configure("shop.confirm", unique=Unique(by=("tenant_id",), period=timedelta(days=1)))
    Unique(states=("executing", JobState.COMPLETED), on_conflict="reject", period=3600)
    assert_type(confirm.unique, Unique | None)
    handle = jobs.enqueue(confirm, ORDER, idempotency_key="request 7")
    assert_type(handle.duplicate, bool)
    try:
        jobs.enqueue(confirm, ORDER)
    except DuplicateJob as refused:
        assert_type(refused.job_id, str)


def join(jobs: Jobkit, conn: Connection, session: Session, scoped: scoped_session[Session]) -> None:
    """A job is part of the host's transaction."""
    assert_type(jobs.enqueue(confirm, ORDER, connection=conn), JobHandle[Receipt])
    jobs.enqueue(confirm, ORDER, connection=session)
    jobs.enqueue(confirm, ORDER, connection=scoped)
    jobs.enqueue_many(confirm, [ORDER], connection=session)
    jobs.enqueue("shop.confirm", ORDER, connection=conn)


async def join_async(jobs: Jobkit, conn: AsyncConnection, session: AsyncSession) -> None:
    """An asynchronous host has transactions too."""
    assert_type(await jobs.aenqueue(confirm, ORDER, connection=session), JobHandle[Receipt])
    await jobs.aenqueue(confirm, ORDER, connection=conn)


async def await_answer(jobs: Jobkit) -> None:
    """An asynchronous host has the same types."""
    handle = await jobs.aenqueue(confirm, ORDER, delay=5)
    assert_type(handle, JobHandle[Receipt])
    assert_type(await handle.aresult(), Receipt)
    assert_type(await jobs.aenqueue(confirm, tenant_id="b1", number=7), JobHandle[Receipt])
    assert_type(await jobs.aenqueue("shop.confirm", ORDER), JobHandle[Any])


def work(job: JobContext) -> None:
    """A running task enqueues and tracks with types."""
    job.enqueue(confirm, ORDER, delay=5)
    job.enqueue(confirm, tenant_id="b1", number=7)
    job.enqueue("shop.confirm", ORDER)
    job.enqueue(confirm, ORDER, idempotency_key="request 7")
    for order in job.track([ORDER]):
        assert_type(order, Order)
    assert_type(job.time_left(), float | None)


def keep(job: JobContext) -> None:
    """Effects, steps and loops have the types of their functions."""

    def charge(_key: str) -> Receipt:
        return confirm(ORDER, job=None, mailbox=MemoryMailbox())

    def find() -> Receipt | DidNotHappen:
        return DidNotHappen()

    def orders_after(number: int | None) -> list[Order]:
        return [ORDER] if number is None else []

    assert_type(job.once("charge", charge, policy=ask(find), type=Receipt), Receipt)
    assert_type(job.once("charge", charge, policy="retry"), Receipt)
    assert_type(job.once("charge", charge, policy="skip"), Receipt | None)
    assert_type(job.once("count", lambda: 7, policy="retry"), int)
    assert_type(job.step("count", lambda: 7), int)
    assert_type(job.step("orders", lambda: [ORDER], type=list[Order]), list[Order])
    for order in job.track(orders_after, of=9, cursor=lambda order: order.number):
        assert_type(order, Order)


def check() -> None:
    """The testing kit keeps the types too."""
    assert_type(run_task(confirm, ORDER, mailbox=MemoryMailbox()), Ran[Receipt])
    assert_type(run_task(confirm, tenant_id="b1", number=7).result, Receipt)
    with fresh_jobs([tasks], adapters={Mailbox: MemoryMailbox()}, max_crashes=2) as jobs:
        assert_type(jobs, Jobkit)
        assert_enqueued(jobs, confirm, times=2, number=7)
        assert_type(drain(jobs, "shop", with_scheduled=True).completed, int)
        with isolated(jobs) as same:
            assert_type(same, Jobkit)
