from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from unittest.mock import ANY

import pytest
from tests.testing.shop import MemoryMailbox, Order, charge, confirm, log_in, pack, tasks

from jobkit.app import Jobkit
from jobkit.queues import Priority
from jobkit.testing import assert_enqueued, drain, enqueued, refute_enqueued, run_task

ORDER = Order(tenant_id="b1", number=2)


@pytest.fixture
def jobs(jobkit_jobs: Callable[..., Jobkit]) -> Jobkit:
    return jobkit_jobs([tasks])


def test_what_is_not_named_does_not_matter(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)

    assert_enqueued(jobs, pack)
    assert_enqueued(jobs, "shop.pack", number=2)
    assert_enqueued(jobs, pack, tenant_id="b1", number=2)


def test_it_counts_exactly(jobs: Jobkit) -> None:
    jobs.enqueue_many(pack, [ORDER, ORDER])

    assert_enqueued(jobs, pack, times=2)
    with pytest.raises(AssertionError, match=r"wanted 1 job of .* and 2 were"):
        assert_enqueued(jobs, pack)
    with pytest.raises(AssertionError, match="wanted 3 job"):
        assert_enqueued(jobs, pack, times=3)


def test_the_matching_jobs_are_returned(jobs: Jobkit) -> None:
    handle = jobs.enqueue(pack, ORDER)

    (found,) = assert_enqueued(jobs, pack)

    assert found.payload == ORDER
    assert found.job is not None
    assert found.job.id == handle.id


def test_the_message_lists_what_is_there_instead(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)
    jobs.enqueue(pack, tenant_id="b1", number=3, delay=60)

    with pytest.raises(AssertionError) as failed:
        assert_enqueued(jobs, pack, number=4)

    lines = str(failed.value).splitlines()
    assert lines[0] == (
        "wanted 1 job of shop.pack(number=4), and 0 were enqueued; of this task there are:"
    )
    assert "number=2" in lines[1]
    assert "available in warehouse" in lines[1]
    assert "number=3" in lines[2]
    assert "scheduled in warehouse, for 20" in lines[2]


def test_the_message_lists_other_tasks_where_there_is_none_of_this(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)

    with pytest.raises(AssertionError, match=r"(?s)there are only:\n  shop\.pack"):
        assert_enqueued(jobs, charge)


def test_the_message_says_when_nothing_was_enqueued(jobs: Jobkit) -> None:
    with pytest.raises(AssertionError, match="nothing was enqueued at all"):
        assert_enqueued(jobs, charge)


def test_a_message_shows_no_private_values(jobs: Jobkit) -> None:
    jobs.enqueue(log_in, user="ama", password="correct horse")

    with pytest.raises(AssertionError, match=r"\[redacted\]") as failed:
        assert_enqueued(jobs, log_in, user="kofi")

    assert "correct horse" not in str(failed.value)


def test_a_long_list_is_cut(jobs: Jobkit) -> None:
    jobs.enqueue_many(pack, [ORDER] * 23)

    with pytest.raises(AssertionError, match="and 3 more"):
        assert_enqueued(jobs, pack)


def test_refuting_finds_what_should_not_be_there(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)

    refute_enqueued(jobs, pack, number=3)
    refute_enqueued(jobs, charge)
    with pytest.raises(AssertionError, match="wanted no job of"):
        refute_enqueued(jobs, pack, number=2)


@pytest.mark.parametrize("check", [assert_enqueued, refute_enqueued])
def test_a_misspelt_field_is_refused(jobs: Jobkit, check: Callable[..., object]) -> None:
    jobs.enqueue(pack, ORDER)

    with pytest.raises(TypeError, match=r"no payload field .numbre.; it has: day, number"):
        check(jobs, pack, numbre=2)


def test_a_value_may_be_given_as_it_is_in_json(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)

    assert_enqueued(jobs, pack, day=date(2026, 1, 31))
    assert_enqueued(jobs, pack, day="2026-01-31")
    assert_enqueued(jobs, pack, day=ANY)
    refute_enqueued(jobs, pack, day="2026-02-01")


def test_options_are_matched_beside_fields(jobs: Jobkit) -> None:
    at = datetime(2030, 1, 1, 9, tzinfo=UTC)
    jobs.enqueue(pack, ORDER, queue="rush", priority=Priority.HIGH, max_attempts=2, scheduled_at=at)

    assert_enqueued(
        jobs, pack, number=2, queue="rush", priority=Priority.HIGH, max_attempts=2, scheduled_at=at
    )
    assert_enqueued(jobs, pack, scheduled_at=at - timedelta(milliseconds=500))
    refute_enqueued(jobs, pack, queue="warehouse")
    refute_enqueued(jobs, pack, scheduled_at=at + timedelta(seconds=5))


def test_a_delay_is_matched_within_a_second(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER, delay=timedelta(minutes=5))

    assert_enqueued(jobs, pack, delay=300)
    assert_enqueued(jobs, pack, delay=timedelta(minutes=5))
    refute_enqueued(jobs, pack, delay=310)


def test_jobs_count_whatever_has_become_of_them(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER)

    drain(jobs)

    assert_enqueued(jobs, pack)


def test_all_jobs_are_listed_the_oldest_first(jobs: Jobkit) -> None:
    jobs.enqueue(charge, ORDER)
    jobs.enqueue_many(pack, [Order(tenant_id="b1", number=n) for n in range(250)])

    assert len(enqueued(jobs)) == 251
    assert enqueued(jobs)[0].task == "shop.charge"
    assert [one.payload.number for one in enqueued(jobs, pack)] == list(range(250))


def test_follow_ups_of_a_task_run_alone_are_asserted_alike() -> None:
    ran = run_task(confirm, ORDER, mailbox=MemoryMailbox())

    assert_enqueued(ran, pack, number=2)
    refute_enqueued(ran, pack, number=3)
    with pytest.raises(AssertionError, match=r"shop\.pack Order\("):
        assert_enqueued(ran, charge)


def test_what_is_not_kept_with_a_job_cannot_be_asserted(jobs: Jobkit) -> None:
    jobs.enqueue(pack, ORDER, idempotency_key="1")

    with pytest.raises(TypeError, match="idempotency_key is not kept"):
        assert_enqueued(jobs, pack, idempotency_key="1")
