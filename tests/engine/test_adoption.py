"""Foreign messages that are out of order: none may be lost, and none may hold up the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.servers import fresh_database

from jobkit import JobContext, Jobkit, JobState, Payload, Settings, TaskSet
from jobkit._celery.adoption import Adopter, Foreign, read_message
from jobkit.job import Job
from jobkit.store import reading
from jobkit.store.migrating import upgrade

tasks = TaskSet("shop")


class Order(Payload):
    """Name an order."""

    order_id: str = ""
    tenant_id: str | None = None


@tasks.task()
def ship(payload: Order) -> None:
    """Ship an order."""


@tasks.task(durable=False)
def notice(payload: Order, *, job: JobContext) -> None:
    """Enqueue what must not be lost."""
    job.enqueue(ship, order_id=payload.order_id)


def read(body: Any, acked: list[str], **headers: Any) -> Foreign:
    """Read a message of protocol 2; its id is noted once it is acknowledged."""
    told = {"task": "shop.ship", "id": "m1", **headers}
    message = SimpleNamespace(body=body, headers=told, delivery_info={"routing_key": "celery"})
    return read_message(message, None, lambda: acked.append(told["id"]))


def body(**kwargs: Any) -> str:
    return json.dumps([[], kwargs, {}])


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def jobs(request: pytest.FixtureRequest, jobkit_jobs: Callable[..., Jobkit]) -> Iterator[Jobkit]:
    if request.param == "sqlite":
        yield jobkit_jobs([tasks])
        return
    with fresh_database(request.param) as url:
        application = jobkit_jobs([tasks], store_url=url)
        upgrade(application.database)
        yield application
        application.close()


@pytest.fixture
def adopted(jobs: Jobkit) -> Callable[..., dict[str, Job]]:
    def adopt(*messages: Foreign) -> dict[str, Job]:
        jobs.start()
        Adopter(jobs)._adopt(list(messages))
        found = jobs.database.fetch(
            lambda conn: [reading.get(conn, one.id) for one in jobs.find(limit=500)]
        )
        return {job.foreign_id or "": job for job in found if job is not None}

    return adopt


@pytest.mark.parametrize(
    "odd",
    [
        "[" * 200_000,
        '[[], {"order_id": {"__type__": "decimal", "__value__": "x"}}, {}]',
        b"\xff\xfe\x00",
        "null",
        "",
    ],
    ids=["deep", "mistyped", "no text", "null", "empty"],
)
def test_a_body_that_cannot_be_read_is_no_error_of_the_worker(odd: Any) -> None:
    assert read(odd, []).kwargs is None


def test_messages_without_an_id_are_not_taken_for_one() -> None:
    one, another = (read(body(), [], id=None) for _ in range(2))

    assert one.celery_id != another.celery_id


def test_a_message_that_cannot_be_stored_is_a_dead_row_and_holds_up_no_other(
    adopted: Callable[..., dict[str, Job]],
) -> None:
    acked: list[str] = []
    jobs = adopted(
        read(body(order_id="1"), acked, id="first"),
        read(body(), acked, id="an eta of no kind", eta=5),
        read(body(), acked, id="i" * 300),
        read(body(), acked, id="nul\x00nul"),
        read(body(tenant_id="t" * 300), acked, id="no room"),
        read(body(), acked, id="unknown", task="n" * 300),
        read("[" * 200_000, acked, id="deep"),
        read(body(order_id="2"), acked, id="last"),
    )

    assert len(acked) == len(jobs) == 8
    assert jobs["first"].state is JobState.AVAILABLE
    assert jobs["last"].state is JobState.AVAILABLE
    assert jobs["an eta of no kind"].reason == jobs["no room"].reason == "invalid"
    assert jobs["unknown"].reason == "unknown_task"


def test_an_eta_without_a_zone_is_in_utc(adopted: Callable[..., dict[str, Job]]) -> None:
    jobs = adopted(read(body(), [], eta="2100-01-01T12:00:00"))

    assert jobs["m1"].scheduled_at.isoformat() == "2100-01-01T12:00:00+00:00"


def test_a_message_that_came_too_late_for_its_sender_is_not_run(
    adopted: Callable[..., dict[str, Job]],
) -> None:
    late = "2020-01-01T00:00:00+00:00"
    later = "2099-01-01T00:00:00+00:00"

    rows = adopted(
        read(body(order_id="1"), [], id="late", expires=late),
        read(body(order_id="2"), [], id="in time", expires=later),
    )

    assert (rows["late"].state, rows["late"].reason) == (JobState.DEAD, "invalid")
    assert rows["in time"].state is JobState.AVAILABLE


def test_a_huge_body_is_kept_as_far_as_a_database_takes_it(
    adopted: Callable[..., dict[str, Job]],
) -> None:
    jobs = adopted(read(body(order_id="x" * 20_000_000), []))

    assert jobs["m1"].state is JobState.DEAD
    assert len(jobs["m1"].payload) < 5_000_000


def test_what_a_task_enqueues_that_may_be_lost_is_not_lost(tmp_path: Path) -> None:
    rung: list[str] = []
    jobs = Jobkit(
        Settings(data_dir=tmp_path), tasks=[tasks], ringer=lambda queue, times: rung.append(queue)
    )

    jobs.celery.tasks["shop.notice"].run(order_id="7")

    (job,) = jobs.find()
    assert (job.task, job.state) == ("shop.ship", JobState.AVAILABLE)
    assert '"7"' in job.payload
    assert rung == ["shop"]
    jobs.close()
