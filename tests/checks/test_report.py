"""All faults of an application in one report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.checks.declaring import (
    Files,
    WrongFiles,
    declare,
    draw,
    log_in,
    plain,
    task,
)

from jobkit.checks import Finding, Report, ScheduleEntry, run_checks
from jobkit.errors import ChecksFailed
from jobkit.retry import Retry
from jobkit.schedules import Every

FAULT = Finding("a-rule", "fault", "shop.draw", "it is wrong; mend it")
WARNING = Finding("another-rule", "warning", "JOBKIT_X", "it may be wrong")


def test_a_broken_application_lists_all_its_faults_in_one_report() -> None:
    broken = declare(
        task(plain, name="a", soft_time_limit=20, time_limit=10, unique_by=("nothing",)),
        task(draw, name="a", queue="slow"),
        task(log_in, durable=False, retry=Retry(permanent=(Exception,))),
        adapters={Files: WrongFiles},
        schedules=[
            ScheduleEntry("gone", "shop.gone", Every(60), {}),
            ScheduleEntry("wrong", "shop.log_in", Every(60), {"user": "ama"}),
        ],
        celery={"task_always_eager": True},
        worker_profiles={"web": ("shop",)},
        lease_seconds=1,
        store_url="postgresql://localhost/jobs",
    )

    report = run_checks(broken)

    assert not report.ok
    assert {fault.rule for fault in report.faults} == {
        "adapter-is-a-class",
        "celery-always-eager",
        "duplicate-task",
        "private-field-in-undurable-task",
        "queue-unserved",
        "schedule-payload-invalid",
        "schedule-unknown-task",
        "secret-key-missing",
        "settings-lease-heartbeat",
        "soft-limit-over-hard",
        "unique-by-unknown-field",
    }
    assert {"retry-in-vain", "settings-lease-store-timeout", "celery-prefetch"} <= {
        warning.rule for warning in report.warnings
    }
    assert [each.severity for each in report.findings] == ["fault"] * len(report.faults) + [
        "warning"
    ] * len(report.warnings)


def test_each_finding_says_what_is_wrong_and_where() -> None:
    broken = declare(
        task(draw, name="one"),
        task(draw, name="two"),
        task(plain, name="three"),
        task(log_in, name="four", aliases=("shop.three",)),
        worker_profiles={"web": ("fast",)},
        queues=["extra"],
    )

    told = [str(fault) for fault in run_checks(broken).faults]

    assert told == [
        "fault: shop.three: tests.checks.declaring.log_in and tests.checks.declaring.plain are "
        "called this; rename one, or drop the alias [duplicate-task]",
        "fault: Files: shop.one, shop.two needs one; call jobs.adapters.bind(Files).to(...) "
        "[adapter-missing]",
        "fault: extra: no worker profile serves it, so its jobs wait for ever (by request); "
        "add it to JOBKIT_WORKER_PROFILES [queue-unserved]",
        "fault: shop: no worker profile serves it, so its jobs wait for ever "
        "(shop.four, shop.one, shop.three, shop.two); "
        "add it to JOBKIT_WORKER_PROFILES [queue-unserved]",
    ]


def test_an_application_as_it_comes_has_neither_faults_nor_warnings() -> None:
    assert run_checks(declare(task(), task(log_in))).findings == ()


def test_a_report_tells_faults_from_warnings() -> None:
    report = Report((FAULT, WARNING))

    assert (report.faults, report.warnings) == ((FAULT,), (WARNING,))
    assert not report.ok
    assert Report((WARNING,)).ok


def test_faults_are_raised_all_at_once() -> None:
    with pytest.raises(ChecksFailed) as raised:
        Report((FAULT, FAULT, WARNING)).raise_for_faults()

    assert str(raised.value).count("fault: shop.draw: it is wrong; mend it [a-rule]") == 2
    assert "another-rule" not in str(raised.value)


def test_warnings_alone_are_not_raised() -> None:
    Report((WARNING,)).raise_for_faults()


def test_a_fault_shows_no_private_value_of_a_schedule() -> None:
    entry = ScheduleEntry("nightly", "shop.log_in", Every(60), {"pasword": "hunter22-and-more"})

    (found,) = run_checks(declare(task(log_in), schedules=[entry])).faults

    assert "password: Field required" in found.message
    assert "hunter22" not in found.message


def test_keys_and_urls_are_not_shown() -> None:
    broken = declare(
        task(log_in),
        store_url="sqlite://user:hunter22@/:memory:",
        broker_url="memory://hunter22",
        secret_keys=("hunter22",),
    )

    report = run_checks(broken)

    assert len(report.findings) == 3
    assert "hunter22" not in str(report)


@pytest.mark.parametrize("answer", [None, datetime(2100, 1, 1), "soon"])
def test_a_schedule_that_answers_nonsense_is_broken(answer: Any) -> None:
    class Nonsense:
        def next_after(self, moment: datetime) -> Any:
            return answer

    entry = ScheduleEntry("nightly", "shop.plain", Nonsense(), {"tenant_id": "a", "order_id": "b"})

    (found,) = run_checks(declare(task(), schedules=[entry])).faults

    assert found.rule == "schedule-broken"
