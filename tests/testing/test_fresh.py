from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.testing.shop import Mailbox, MemoryMailbox, Order, confirm, count, log_in, pack, tasks

from jobkit.app import Jobkit
from jobkit.clock import Clock
from jobkit.errors import ApplicationFrozen, UnknownTask
from jobkit.settings import Settings
from jobkit.testing import TimeTravel, assert_enqueued, drain, enqueued, fresh_jobs, isolated

ORDER = Order(tenant_id="b1", number=2)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Jobkit]:
    """An application as a host has it: with settings, adapters, and jobs in its store."""
    jobs = Jobkit(
        Settings(data_dir=tmp_path / "own", payload_max_bytes=2048),
        tasks=[tasks],
        ringer=lambda queue, times: None,
    )
    jobs.adapters.bind(Mailbox).to(MemoryMailbox())
    jobs.configure("shop.pack", queue="cellar")
    jobs.enqueue(pack, ORDER)
    yield jobs
    jobs.close()


def test_a_fresh_application_runs_jobs_from_an_empty_store() -> None:
    mailbox = MemoryMailbox()

    with fresh_jobs([tasks], adapters={Mailbox: mailbox}) as jobs:
        handle = jobs.enqueue(confirm, ORDER)
        drain(jobs)

        assert handle.result(timeout=0).number == 2
        assert mailbox.sent == [("b1", "order 2, attempt 1")]


def test_two_fresh_applications_share_nothing() -> None:
    with fresh_jobs([tasks]) as one, fresh_jobs([tasks]) as other:
        one.enqueue(pack, ORDER)

        assert other.find() == []


def test_a_fresh_application_never_reaches_the_store_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JOBKIT_STORE_URL", "postgresql://shop@db.invalid/production")
    monkeypatch.setenv("JOBKIT_PAYLOAD_MAX_BYTES", "1025")

    with fresh_jobs([tasks]) as jobs:
        assert jobs.database.dialect == "sqlite"
        assert jobs.settings.payload_max_bytes == 256 * 1024


def test_its_settings_are_those_that_the_test_gives() -> None:
    with fresh_jobs([tasks], max_crashes=2) as jobs:
        assert jobs.settings.max_crashes == 2


def test_nothing_connects_to_a_broker() -> None:
    with fresh_jobs([tasks]) as jobs:
        jobs.enqueue(pack, ORDER)

        assert "runtime" not in vars(jobs)


def test_a_task_that_is_not_durable_is_stored_all_the_same() -> None:
    with fresh_jobs([tasks]) as jobs:
        jobs.enqueue(count, ORDER)

        assert_enqueued(jobs, count, number=2)
        assert drain(jobs).completed == 1


def test_private_fields_need_no_key() -> None:
    with fresh_jobs([tasks]) as jobs:
        jobs.enqueue(log_in, user="ama", password="correct horse")

        assert_enqueued(jobs, log_in, password="correct horse")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", os.fspath(tmp_path))

    with fresh_jobs([tasks]) as jobs:
        jobs.enqueue(pack, ORDER)
        assert list(tmp_path.iterdir())

    assert not list(tmp_path.iterdir())


def test_an_isolated_application_is_the_same_object_on_an_empty_store(own: Jobkit) -> None:
    with isolated(own) as jobs:
        assert jobs is own
        assert enqueued(own) == []

        own.enqueue(pack, ORDER)
        assert len(enqueued(own)) == 1

    assert len(enqueued(own)) == 1


def test_isolation_ends_with_the_store_that_was_there(own: Jobkit) -> None:
    before = own.find()

    with isolated(own):
        own.enqueue_many(pack, [ORDER, ORDER])

    assert own.find() == before


def test_an_isolated_application_keeps_its_policy_settings_and_adapters(own: Jobkit) -> None:
    with isolated(own):
        own.enqueue(pack, ORDER)
        own.enqueue(confirm, ORDER)

        assert_enqueued(own, pack, queue="cellar")
        assert own.settings.payload_max_bytes == 2048
        assert drain(own).completed == 3


def test_isolation_replaces_adapters_of_a_frozen_application(own: Jobkit) -> None:
    mailbox = MemoryMailbox()
    with pytest.raises(ApplicationFrozen):
        own.adapters.bind(Mailbox).to(mailbox)

    with isolated(own, adapters={Mailbox: mailbox}):
        own.enqueue(confirm, ORDER)
        drain(own)

    assert len(mailbox.sent) == 1


def test_handlers_hear_of_jobs_in_isolation_too(own: Jobkit) -> None:
    heard: list[str] = []
    own.hooks.add(lambda event: heard.append(event.kind))

    with isolated(own):
        own.enqueue(pack, ORDER)
        drain(own)

    assert heard == ["claimed", "completed"]


def test_isolation_keeps_an_existing_celery_application(own: Jobkit) -> None:
    celery = own.celery

    with isolated(own):
        assert own.celery is celery


def test_isolation_travels_in_time(own: Jobkit, tmp_path: Path) -> None:
    travel = TimeTravel(tmp_path / "clock")

    with isolated(own, clock=travel.clock):
        handle = own.enqueue(pack, ORDER, delay=3600)
        assert drain(own).completed == 0

        travel.travel(3600)
        assert drain(own).completed == 1
        assert handle.result(timeout=0) is None

    assert isinstance(own.clock, Clock)
    assert own.clock is not travel.clock


def test_an_isolated_application_has_the_tasks_of_its_own_only(own: Jobkit) -> None:
    with isolated(own), pytest.raises(UnknownTask):
        own.enqueue("shop.sell", number=1)
