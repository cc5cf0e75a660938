from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest

from jobkit.app import Jobkit
from jobkit.errors import (
    ApplicationFrozen,
    ConfigurationError,
    EnqueueError,
    IllegalTransition,
    InvalidPayload,
    JobCancelled,
    JobDead,
    JobNotFound,
    PayloadTooLarge,
    PermanentError,
    ResultTimeout,
    UnknownTask,
)
from jobkit.handle import JobHandle
from jobkit.job import JobState
from jobkit.payload import Payload, Result
from jobkit.privacy import Secret
from jobkit.queues import Priority, Queue
from jobkit.settings import Settings
from jobkit.store import reading
from jobkit.store.reading import JobFilter
from jobkit.task import TaskSet
from jobkit.testing import TimeTravel, drain

tasks = TaskSet("shop")
more = TaskSet("more")


class Order(Payload):
    """Which order it is about."""

    tenant_id: str
    number: int
    day: date = date(2026, 1, 31)
    note: str = ""


class Login(Payload):
    """Carry something that must not be seen."""

    user: str
    password: Secret[str]


class Receipt(Result):
    """Tell what was done."""

    number: int
    on: date


class Clock(Protocol):
    """Tell the time."""

    def tell(self) -> str:
        """Tell the time."""


class Bell:
    """Listen to the application's rings."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, int]] = []
        self.then: Callable[[], object] = lambda: None

    def __call__(self, queue: str, times: int) -> None:
        self.rung.append((queue, times))
        self.then()


@tasks.task(aliases=("shop.approve",))
def confirm(payload: Order) -> Receipt:
    """Confirm an order; number 13 is refused."""
    if payload.number == 13:
        raise PermanentError("the card was refused")
    return Receipt(number=payload.number, on=payload.day)


@tasks.task()
def log_in(payload: Login) -> None:
    """Log in."""


@more.task()
def pack(payload: Order) -> None:
    """Pack an order."""


FIELDS: dict[str, Any] = {"tenant_id": "b1", "number": 7}
ORDER = Order(**FIELDS)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def jobs(tmp_path: Path, bell: Bell, jobkit_clock: TimeTravel) -> Jobkit:
    settings = Settings(data_dir=tmp_path / "data", payload_max_bytes=1024)
    return Jobkit(settings, tasks=[tasks], clock=jobkit_clock.clock, ringer=bell)


@pytest.fixture(autouse=True)
def _closed(jobs: Jobkit) -> Any:
    yield
    jobs.close()


def stored(jobs: Jobkit) -> int:
    return len(jobs.find(limit=1000))


# Enqueueing


def test_a_model_and_fields_make_the_same_job(jobs: Jobkit) -> None:
    handles = [
        jobs.enqueue(confirm, ORDER),
        jobs.enqueue(confirm, **FIELDS),
        jobs.enqueue("shop.confirm", **FIELDS),
        jobs.enqueue("shop.confirm", FIELDS),
        jobs.enqueue("shop.confirm", ORDER),
    ]

    drain(jobs)

    assert len({(job.task, job.payload) for job in jobs.find()}) == 1
    assert {handle.result(timeout=0) for handle in handles} == {
        Receipt(number=7, on=date(2026, 1, 31))
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tenant_id": "b1", "number": "many"}, "number"),
        ({"tenant_id": "b1"}, "number"),
        ({"tenant_id": "b1", "number": 7, "nubmer": 8}, "nubmer"),
        ({"tenant_id": "b1", "number": 7, "day": "some day"}, "day"),
    ],
    ids=["of a wrong type", "missing", "unknown", "not a date"],
)
def test_what_does_not_fit_is_refused_alike(
    jobs: Jobkit, fields: dict[str, Any], told: str
) -> None:
    messages = set()
    for enqueue in (
        lambda: jobs.enqueue(confirm, **fields),
        lambda: jobs.enqueue("shop.confirm", **fields),
        lambda: jobs.enqueue("shop.confirm", fields),
        lambda: jobs.enqueue_many(confirm, [ORDER, fields]),
    ):
        with pytest.raises(InvalidPayload, match=told) as refused:
            enqueue()
        messages.add(str(refused.value))

    assert len(messages) == 1
    assert stored(jobs) == 0


def test_the_payload_of_another_task_is_refused(jobs: Jobkit) -> None:
    with pytest.raises(InvalidPayload, match=r"shop\.confirm takes Order, not Login"):
        jobs.enqueue("shop.confirm", Login(user="ama", password="x"))


def test_a_payload_and_fields_together_are_refused(jobs: Jobkit) -> None:
    with pytest.raises(InvalidPayload, match="give one or the other"):
        jobs.enqueue("shop.confirm", ORDER, note="!")


def test_a_payload_that_is_no_mapping_is_refused(jobs: Jobkit) -> None:
    with pytest.raises(InvalidPayload, match="not list"):
        jobs.enqueue("shop.confirm", [7])  # type: ignore[call-overload]


@pytest.mark.parametrize("task", ["shop.sell", pack], ids=["by name", "by task"])
def test_a_task_that_the_application_has_not_is_refused(jobs: Jobkit, task: Any) -> None:
    with pytest.raises(UnknownTask, match=r"this application has: shop\.confirm, shop\.log_in"):
        jobs.enqueue(task, **FIELDS)


def test_an_earlier_name_means_the_task_of_today(jobs: Jobkit) -> None:
    handle = jobs.enqueue("shop.approve", **FIELDS)

    assert handle.task == "shop.confirm"
    assert handle.job().task == "shop.confirm"


def test_a_payload_over_the_limit_is_refused_by_its_bytes(jobs: Jobkit) -> None:
    with pytest.raises(PayloadTooLarge, match=r"over the limit of 1,024; store the data in a file"):
        jobs.enqueue(confirm, **FIELDS, note="ɛ" * 600)

    jobs.enqueue(confirm, **FIELDS, note="e" * 600)
    assert stored(jobs) == 1


def test_a_job_knows_its_tenant(jobs: Jobkit) -> None:
    assert jobs.enqueue(confirm, ORDER).job().tenant_id == "b1"


@pytest.mark.parametrize("tenant", ["x" * 201, "a\x00b"])
def test_a_tenant_that_the_store_has_no_room_for_is_refused(jobs: Jobkit, tenant: str) -> None:
    with pytest.raises(InvalidPayload, match="tenant_id takes up to 200 characters"):
        jobs.enqueue(confirm, **{**FIELDS, "tenant_id": tenant})


# Options


def test_options_choose_queue_priority_and_attempts(jobs: Jobkit) -> None:
    job = jobs.enqueue(
        confirm, ORDER, queue=Queue("rush"), priority=Priority.HIGH, max_attempts=2
    ).job()

    assert (job.queue, job.priority, job.max_attempts) == ("rush", Priority.HIGH, 2)


def test_without_options_the_tasks_policy_holds(jobs: Jobkit) -> None:
    job = jobs.enqueue(confirm, ORDER).job()

    assert (job.queue, job.priority, job.max_attempts) == ("shop", Priority.NORMAL, 5)


@pytest.mark.parametrize("delay", [90, 90.0, timedelta(seconds=90)])
def test_a_delay_schedules_the_job(
    jobs: Jobkit, jobkit_clock: TimeTravel, delay: float | timedelta
) -> None:
    job = jobs.enqueue(confirm, ORDER, delay=delay).job()

    assert job.state is JobState.SCHEDULED
    assert (job.scheduled_at - jobkit_clock.now()).total_seconds() == pytest.approx(90, abs=5)


def test_a_moment_of_any_time_zone_schedules_the_job(jobs: Jobkit) -> None:
    at = datetime(2031, 7, 1, 9, tzinfo=ZoneInfo("Europe/Berlin"))

    job = jobs.enqueue("shop.confirm", **FIELDS, scheduled_at=at).job()

    assert job.state is JobState.SCHEDULED
    assert job.scheduled_at == datetime(2031, 7, 1, 7, tzinfo=UTC)


def test_a_moment_that_is_over_makes_the_job_available(jobs: Jobkit) -> None:
    job = jobs.enqueue(confirm, ORDER, scheduled_at=datetime(2001, 1, 1, tzinfo=UTC)).job()

    assert job.state is JobState.AVAILABLE


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scheduled_at": datetime(2031, 7, 1, 9)}, "a datetime with a time zone"),
        ({"scheduled_at": date(2031, 7, 1)}, "a datetime with a time zone"),
        ({"scheduled_at": "2031-07-01T09:00Z"}, "a datetime with a time zone"),
        ({"scheduled_at": datetime(2031, 7, 1, tzinfo=UTC), "delay": 5}, "not both"),
        ({"max_attempts": 0}, "counts the first try"),
    ],
    ids=["naive", "a date", "text", "twice", "no attempt"],
)
def test_an_option_that_makes_no_sense_is_refused(
    jobs: Jobkit, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(EnqueueError, match=told):
        jobs.enqueue("shop.confirm", ORDER, **options)

    assert stored(jobs) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"priority": 7}, "priority"),
        ({"priority": "urgent"}, "priority"),
        ({"delay": "soon"}, "delay"),
        ({"max_attempts": "often"}, "max_attempts"),
        ({"queue": "no such, queue"}, "is no name for a queue"),
    ],
)
def test_an_option_of_a_wrong_type_is_named(
    jobs: Jobkit, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(EnqueueError, match=told):
        jobs.enqueue("shop.confirm", ORDER, **options)


def test_an_option_cannot_be_the_name_of_a_payload_field() -> None:
    class Clash(Payload):
        """Carry a field that `enqueue` would take for its own."""

        delay: int

    globals()["Clash"] = Clash
    with pytest.raises(ConfigurationError, match="the payload field delay is also an option"):

        @TaskSet("clash").task()
        def late(payload: Clash) -> None:
            """Never be declared."""


# Ringing


def test_the_bell_rings_once_the_job_is_stored(jobs: Jobkit, bell: Bell) -> None:
    seen: list[int] = []
    bell.then = lambda: seen.append(stored(jobs))

    jobs.enqueue(confirm, ORDER)

    assert bell.rung == [("shop", 1)]
    assert seen == [1]


def test_the_bell_rings_in_the_queue_that_was_chosen(jobs: Jobkit, bell: Bell) -> None:
    jobs.enqueue(confirm, ORDER, queue="rush")

    assert bell.rung == [("rush", 1)]


def test_nothing_rings_for_a_job_that_is_not_due(jobs: Jobkit, bell: Bell) -> None:
    jobs.enqueue(confirm, ORDER, delay=60)

    assert bell.rung == []


# Many


def test_many_jobs_are_stored_in_order_and_rung_for_together(jobs: Jobkit, bell: Bell) -> None:
    handles = jobs.enqueue_many(confirm, [Order(tenant_id="b1", number=n) for n in range(40)])

    assert [job.id for job in jobs.find(limit=100)] == [one.id for one in reversed(handles)]
    assert bell.rung == [("shop", 40)]


def test_many_jobs_take_options_and_mappings(jobs: Jobkit) -> None:
    handles = jobs.enqueue_many("shop.confirm", [FIELDS, ORDER], queue="rush")

    assert {handle.job().queue for handle in handles} == {"rush"}


def test_no_jobs_are_no_work(jobs: Jobkit, bell: Bell) -> None:
    assert jobs.enqueue_many(confirm, []) == []
    assert bell.rung == []


# Asynchronous hosts


def test_an_asynchronous_host_enqueues_and_awaits_the_answer(jobs: Jobkit) -> None:
    async def host() -> Receipt:
        handle = await jobs.aenqueue(confirm, ORDER)
        await asyncio.to_thread(drain, jobs)
        return await handle.aresult(timeout=5)

    assert asyncio.run(host()).number == 7


def test_an_asynchronous_host_enqueues_by_fields(jobs: Jobkit) -> None:
    handle = asyncio.run(jobs.aenqueue("shop.confirm", **FIELDS, queue="rush"))

    assert handle.job().queue == "rush"


def test_awaiting_has_a_timeout(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)

    with pytest.raises(ResultTimeout):
        asyncio.run(handle.await_(timeout=0.02))


# Freezing


@pytest.mark.parametrize(
    "change",
    [
        lambda jobs: jobs.include(more),
        lambda jobs: jobs.configure("shop.confirm", queue="slow"),
        lambda jobs: jobs.adapters.bind(Clock).to(object()),
    ],
    ids=["include", "configure", "bind"],
)
def test_an_application_freezes_at_its_first_job(
    jobs: Jobkit, change: Callable[[Jobkit], None]
) -> None:
    change(jobs)
    jobs.enqueue(confirm, ORDER)

    with pytest.raises(ApplicationFrozen):
        change(jobs)


def test_a_refused_job_does_not_freeze(jobs: Jobkit) -> None:
    with pytest.raises(InvalidPayload):
        jobs.enqueue(confirm, tenant_id="b1", number="many")

    jobs.include(more)
    assert jobs.enqueue(pack, ORDER).task == "more.pack"


def test_a_configured_policy_holds_for_the_task_object_too(jobs: Jobkit) -> None:
    jobs.configure("shop.confirm", queue="slow", priority=Priority.LOW)

    job = jobs.enqueue(confirm, ORDER).job()

    assert (job.queue, job.priority) == ("slow", Priority.LOW)
    assert "slow" in jobs.queues()


@pytest.mark.parametrize(
    ("name", "policy", "error", "told"),
    [
        ("shop.sell", {"queue": "slow"}, UnknownTask, "no task is named 'shop.sell'"),
        ("shop.confirm", {"color": "red"}, ConfigurationError, "no policy called color"),
    ],
)
def test_configuring_what_is_not_there_is_refused(
    jobs: Jobkit, name: str, policy: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        jobs.configure(name, **policy)


# Handles


def test_a_handle_waits_for_the_end(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)
    worker = threading.Timer(0.05, drain, [jobs])
    worker.start()

    job = handle.wait(timeout=10)

    worker.join()
    assert job.state is JobState.COMPLETED
    assert handle.result() == Receipt(number=7, on=date(2026, 1, 31))


def test_waiting_ends_at_the_timeout_and_tells_the_state(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)

    with pytest.raises(ResultTimeout, match=r"was still available after 0\.02 s"):
        handle.result(timeout=0.02)


def test_a_dead_job_has_no_result_but_a_reason(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, tenant_id="b1", number=13)

    drain(jobs)

    with pytest.raises(JobDead, match=r"\(permanent\): PermanentError: the card was refused"):
        handle.result(timeout=0)


def test_a_cancelled_job_has_no_result(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)

    handle.cancel()

    with pytest.raises(JobCancelled):
        handle.result(timeout=0)


def test_a_handle_is_found_again_by_its_id(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)

    found = jobs.get(handle.id)

    assert found == handle
    drain(jobs)
    assert found.result(timeout=0) == Receipt(number=7, on=date(2026, 1, 31))


@pytest.mark.parametrize(
    "ask",
    [
        lambda jobs: jobs.get("nobody"),
        lambda jobs: jobs.look_up("nobody"),
        lambda jobs: jobs.cancel("nobody"),
        lambda jobs: jobs.retry("nobody"),
        lambda jobs: JobHandle("nobody", "shop.confirm", jobs).result(timeout=0),
    ],
    ids=["get", "look_up", "cancel", "retry", "result"],
)
def test_a_job_that_is_not_there_is_not_found(jobs: Jobkit, ask: Callable[[Jobkit], Any]) -> None:
    with pytest.raises(JobNotFound, match="nobody"):
        ask(jobs)


# Cancelling and retrying


def test_a_waiting_job_is_cancelled(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER, delay=60)

    assert jobs.cancel(handle.id) is JobState.CANCELLED
    assert handle.state is JobState.CANCELLED


def test_cancelling_what_has_ended_changes_nothing(jobs: Jobkit) -> None:
    handle = jobs.enqueue(confirm, ORDER)
    drain(jobs)

    assert handle.cancel() is JobState.COMPLETED
    assert handle.result(timeout=0).number == 7


@pytest.mark.parametrize("number", [13, 7], ids=["dead", "cancelled"])
def test_a_dead_or_cancelled_job_is_retried_from_the_start(
    jobs: Jobkit, bell: Bell, number: int
) -> None:
    handle = jobs.enqueue(confirm, tenant_id="b1", number=number)
    if number == 7:
        handle.cancel()
    drain(jobs)
    bell.rung.clear()

    handle.retry()

    job = handle.job()
    assert (job.state, job.attempt, job.reason) == (JobState.AVAILABLE, 0, None)
    assert bell.rung == [("shop", 1)]
    drain(jobs)
    assert handle.state is (JobState.DEAD if number == 13 else JobState.COMPLETED)


@pytest.mark.parametrize("run", [True, False], ids=["completed", "available"])
def test_other_jobs_are_not_retried(jobs: Jobkit, run: bool) -> None:
    handle = jobs.enqueue(confirm, ORDER)
    if run:
        drain(jobs)

    with pytest.raises(IllegalTransition, match="only dead and cancelled jobs can be retried"):
        handle.retry()


# Finding


@pytest.fixture
def several(jobs: Jobkit) -> dict[str, str]:
    """Jobs in several states, by what they are."""
    jobs.include(more)
    made = {
        "completed": jobs.enqueue(confirm, ORDER),
        "dead": jobs.enqueue(confirm, tenant_id="b2", number=13),
    }
    drain(jobs)
    made["available"] = jobs.enqueue(pack, ORDER)
    made["scheduled"] = jobs.enqueue(pack, ORDER, delay=60, queue="rush")
    return {name: handle.id for name, handle in made.items()}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (JobFilter(), {"completed", "dead", "available", "scheduled"}),
        (JobFilter(states=[JobState.DEAD, JobState.SCHEDULED]), {"dead", "scheduled"}),
        (JobFilter(tasks=["more.pack"]), {"available", "scheduled"}),
        (JobFilter(queues=["rush"]), {"scheduled"}),
        (JobFilter(tenant_id="b2"), {"dead"}),
        (JobFilter(reason="permanent"), {"dead"}),
        (JobFilter(states=[JobState.EXECUTING]), set()),
        (JobFilter(created_after=datetime(2001, 1, 1, tzinfo=UTC), tenant_id="b2"), {"dead"}),
        (JobFilter(created_before=datetime(2001, 1, 1, tzinfo=UTC)), set()),
    ],
)
def test_jobs_are_found_by_what_they_are(
    jobs: Jobkit, several: dict[str, str], where: JobFilter, found: set[str]
) -> None:
    ids = {job.id for job in jobs.find(where)}

    assert ids == {several[name] for name in found}


def test_jobs_come_in_pages_the_newest_first(jobs: Jobkit) -> None:
    handles = jobs.enqueue_many(confirm, [ORDER] * 25)

    pages: list[list[str]] = []
    after: str | None = None
    while page := [job.id for job in jobs.find(limit=10, after=after)]:
        pages.append(page)
        after = page[-1]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [job for page in pages for job in page] == [one.id for one in reversed(handles)]


def test_a_new_job_does_not_shift_the_next_page(jobs: Jobkit) -> None:
    handles = jobs.enqueue_many(confirm, [ORDER] * 4)
    first = jobs.find(limit=2)

    jobs.enqueue(confirm, ORDER)

    assert [job.id for job in jobs.find(limit=2, after=first[-1].id)] == [
        handles[1].id,
        handles[0].id,
    ]


# Private fields


def test_private_fields_are_encrypted_in_the_store(jobs: Jobkit, tmp_path: Path) -> None:
    handle = jobs.enqueue(log_in, user="ama", password="correct horse")

    with jobs.database.read() as conn:
        raw = reading.raw_payload(conn, handle.id)
    assert raw is not None
    assert "correct horse" not in raw
    assert "correct horse" not in handle.job().payload
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0
    assert drain(jobs).completed == 1


def test_a_shared_store_needs_a_key_of_its_own(tmp_path: Path, bell: Bell) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    keyless = Jobkit(Settings(store_url=url, data_dir=tmp_path), tasks=[tasks], ringer=bell)
    keyed = Jobkit(
        Settings(store_url=url, data_dir=tmp_path, secret_keys="the first"),
        tasks=[tasks],
        ringer=bell,
    )

    with pytest.raises(ConfigurationError, match="JOBKIT_SECRET_KEYS"):
        keyless.enqueue(log_in, user="ama", password="correct horse")
    keyed.enqueue(log_in, user="ama", password="correct horse")

    assert drain(keyed).completed == 1
    keyless.close()
    keyed.close()


# Life


def test_a_closed_application_opens_again_when_used(jobs: Jobkit) -> None:
    jobs.enqueue(confirm, ORDER)
    jobs.close()
    jobs.close()

    assert drain(jobs).completed == 1


def test_jobs_outlive_the_application(jobs: Jobkit, bell: Bell) -> None:
    handle = jobs.enqueue(confirm, ORDER)
    jobs.close()

    again = Jobkit(jobs.settings, tasks=[tasks], ringer=bell)
    drain(again)

    assert again.get(handle.id).result(timeout=0).number == 7
    again.close()


def test_a_healthy_application_has_no_faults(jobs: Jobkit) -> None:
    assert jobs.check().ok


def test_a_task_that_may_be_lost_cannot_be_put_off(tmp_path: Path) -> None:
    cheap = TaskSet("cheap")

    @cheap.task(durable=False)
    def shout(payload: Login) -> None: ...

    application = Jobkit(Settings(data_dir=tmp_path), tasks=[cheap])

    with pytest.raises(EnqueueError, match="declare it durable"):
        application.enqueue("cheap.shout", delay=60, user="ada", password="x")
